/** What the clock of a test grid does: reminders, deadlines, passivation. */
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { isGridError } from '@spacegrid/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Box } from '../../fixtures/archive-actors.ts';
import { gate, Lab, seen } from '../../fixtures/lab-actors.ts';
import { rejection } from '../../../../../test/fixtures/until.ts';

let grid: TestGrid;

beforeEach(() => {
  grid = createTestGrid({ actors: [Lab], now: '2026-03-01T12:00:00Z' });
  seen.length = 0;
});

afterEach(() => grid.close());

const lab = (key = 'a') => grid.actor(Lab, key);

describe('the time of a test grid', () => {
  it('stands still, and is what turns see', async () => {
    expect(grid.clock.now()).toBe(Date.UTC(2026, 2, 1, 12));
    await lab().note('start');
    await grid.clock.advance(1500);
    await lab().note('later');
    expect(lab().peek.log()).toEqual(['start 12:00:00', 'later 12:00:01']);
    expect(grid.clock.now()).toBe(Date.UTC(2026, 2, 1, 12) + 1500);
  });

  it('moves by a time that is one', async () => {
    for (const by of [-1, Number.POSITIVE_INFINITY, Number.NaN, 'soon'])
      await expect(grid.clock.advance(by)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('moves on by one advance after the other', async () => {
    await lab().noteAfter(60_000, 'between');
    await Promise.all([grid.clock.advance('1m'), grid.clock.advance('1h')]);
    expect(grid.clock.now()).toBe(Date.UTC(2026, 2, 1, 13, 1));
  });
});

describe('reminders', () => {
  it('fire in the order of their times, each at its own', async () => {
    await lab().noteAfter(120_000, 'third');
    await lab().noteAt(grid.clock.now() + 30_000, 'first');
    await lab('b').noteAfter(60_000, 'elsewhere');
    await lab().noteAfter(90_000, 'second');
    await grid.clock.advance('119s');
    expect(lab().peek.log()).toEqual(['first 12:00:30', 'second 12:01:30']);
    await grid.clock.advance('1s');
    expect(lab().peek.log()).toEqual(['first 12:00:30', 'second 12:01:30', 'third 12:02:00']);
    expect(lab('b').peek.log()).toEqual(['elsewhere 12:01:00']);
  });

  it('fire also when a reminder on the way has set them', async () => {
    await lab().noteTwiceAfter(60_000, 'again');
    await grid.clock.advance('2m');
    expect(lab().peek.log()).toEqual(['again', 'again 12:02:00']);
  });

  it('fire at the next settling when their time has passed already', async () => {
    await lab().noteAt(0, 'long ago');
    await grid.settle();
    expect(lab().peek.log()).toEqual(['long ago 12:00:00']);
  });

  it('repeat until they are cancelled', async () => {
    const id = await lab().noteEvery(60_000, 'tick');
    await grid.clock.advance('3m');
    expect(lab().peek.log()).toEqual(['tick 12:01:00', 'tick 12:02:00', 'tick 12:03:00']);
    expect(await lab().cancel(id)).toBe(true);
    await grid.clock.advance('1h');
    expect(lab().peek.log()).toHaveLength(3);
  });

  it('that were missed while their actor was busy fire once, and go on at their times', async () => {
    await lab().noteEvery(60_000, 'tick');
    const holding = lab().with({ timeout: 3_600_000 }).hold('busy');
    await grid.clock.advance('10m');
    expect(lab().peek.log()).toEqual([]);
    gate('busy').resolve();
    await holding;
    await grid.clock.advance('2m');
    const [late, ...next] = lab().peek.log();
    expect(late).toMatch(/^tick 12:10:/);
    expect(next).toEqual(['tick 12:11:00', 'tick 12:12:00']);
  });

  it('that were due once while their actor was busy are not lost', async () => {
    await lab().noteAfter(1000, 'late');
    const holding = lab().hold('busy once');
    await grid.clock.advance('2s');
    gate('busy once').resolve();
    await holding;
    await grid.clock.advance('1s');
    expect(lab().peek.log()).toHaveLength(1);
  });
});

describe('deadlines', () => {
  it('tell whether the call may have run', async () => {
    const started = rejection(lab().with({ timeout: 5000 }).hold('never'));
    const waiting = rejection(lab().with({ timeout: 4000 }).add(1));
    await grid.clock.advance('4s');
    expect(isGridError(await waiting, 'TIMEOUT')).toBe(true);
    await grid.clock.advance('1s');
    expect(isGridError(await started, 'OUTCOME_UNKNOWN')).toBe(true);
    expect(lab().peek.get()).toBe(0);
  });

  it('end calls between actors after 5 s', async () => {
    const asking = rejection(lab('asker').ask('asked', 'never either'));
    await grid.clock.advance('5s');
    expect(isGridError(await asking, 'OUTCOME_UNKNOWN')).toBe(true);
  });

  it('are those of the options', async () => {
    await using hasty = createTestGrid({ actors: [Lab], callTimeout: '2s' });
    const started = rejection(hasty.actor(Lab, 'a').hold('never again'));
    await hasty.clock.advance('2s');
    expect(isGridError(await started, 'OUTCOME_UNKNOWN')).toBe(true);
  });
});

describe('idle actors', () => {
  it('are passivated when their time is over, and activated by the next call', async () => {
    await lab().add(1);
    await grid.clock.advance('1m');
    expect(seen).toEqual(['in a']);
    await lab('b').add(1);
    await grid.clock.advance(1);
    expect(seen).toEqual(['in a', 'in b', 'out a']);
    await grid.clock.advance('1d');
    expect(await lab().add(1)).toBe(2);
    expect(seen).toEqual(['in a', 'in b', 'out a', 'out b', 'in a']);
  });

  it('are left alone while they are busy', async () => {
    const holding = lab().with({ timeout: 86_400_000 }).hold('awake');
    await grid.clock.advance('1h');
    expect(seen).not.toContain('out a');
    gate('awake').resolve();
    expect(await holding).toBe('a');
    await grid.clock.advance('1h');
    expect(seen.at(-1)).toBe('out a');
  });

  it('keep their state where their type unloads it: there is no store', async () => {
    await using boxes = createTestGrid({ actors: [Box] });
    await boxes.actor(Box, 'a').tick();
    await boxes.clock.advance('1d');
    expect(boxes.actor(Box, 'a').peek.count()).toBe(1);
  });
});
