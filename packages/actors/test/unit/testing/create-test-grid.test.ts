/** Starting and closing test grids, and what they refuse. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { defineActor } from '@spacegrid/actors';
import { createTestGrid, type TestGridOptions } from '@spacegrid/actors/testing';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { gate, Lab } from '../../fixtures/lab-actors.ts';
import { Clerk, Desk } from '../../fixtures/office-actors.ts';
import { rejection } from '../../../../../test/fixtures/until.ts';

describe('createTestGrid', () => {
  it('begins at the given time', async () => {
    for (const now of ['2026-05-01', new Date('2026-05-01'), Date.UTC(2026, 4, 1)]) {
      await using grid = createTestGrid({ actors: [Desk], now });
      expect(await grid.actor(Desk, 'a:1').now()).toBe(Date.UTC(2026, 4, 1));
    }
  });

  it('takes less than 20 ms of processor time to the first answer', async () => {
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      const before = process.threadCpuUsage();
      await using grid = createTestGrid({ actors: [Desk, Lab, Clerk] });
      await grid.actor(Desk, 'a:1').add(1);
      const { user, system } = process.threadCpuUsage(before);
      times.push((user + system) / 1000);
    }
    expect(Math.min(...times)).toBeLessThan(20);
  });

  it('makes grids that know nothing of each other', async () => {
    await using one = createTestGrid({ actors: [Lab] });
    await using other = createTestGrid({ actors: [Desk, Lab], partitions: 1 });
    await one.actor(Lab, 'a').noteAfter(1000, 'one');
    await other.actor(Lab, 'a').add(7);
    await one.clock.advance('1h');
    await one.restart();
    expect(other.actor(Lab, 'a').peek.get()).toBe(7);
    expect(other.clock.now()).toBe(Date.UTC(2026, 0, 1));
    expect(one.actor(Lab, 'a').peek.get()).toBe(0);
    expect(one.actor(Lab, 'a').peek.log()).toHaveLength(1);
  });

  it('keeps no process alive', async () => {
    const program = `
      import { defineActor } from '@spacegrid/actors';
      import { createTestGrid } from '@spacegrid/actors/testing';
      const A = defineActor('a', { state: { n: 0 }, commands: { add(turn) { turn.after(1000, 'add'); return ++turn.state.n; } } });
      const grid = createTestGrid({ actors: [A] });
      console.log(await grid.actor(A, 'k').add());
      grid.actor(A, 'k').tell.add();`;
    const args = ['--conditions=@spacegrid/source', '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 10_000 });
    expect(stdout).toBe('1\n');
  });

  const wrong: readonly [string, unknown, string][] = [
    ['no actors', {}, 'createTestGrid.actors'],
    ['an empty list', { actors: [] }, 'createTestGrid.actors'],
    ['what is no definition', { actors: [{ name: 'x' }] }, 'createTestGrid.actors'],
    ['the address of a module', { actors: new URL('file:///actors.ts') }, 'createTestGrid.actors'],
    ['a time that is none', { actors: [Lab], now: 'soon' }, 'createTestGrid.now'],
    ['no partition', { actors: [Lab], partitions: 0 }, 'createTestGrid.partitions'],
    ['an unknown option', { actors: [Lab], workers: 2 }, 'workers'],
  ];
  it.each(wrong)('refuses %s', (_what, options, named) => {
    let error: unknown;
    try {
      createTestGrid(options as TestGridOptions);
    } catch (caught) {
      error = caught;
    }
    expect(isGridError(error, 'INVALID_OPTION')).toBe(true);
    expect((error as Error).message).toContain(named);
  });

  it('refuses two actors of one name', () => {
    const twin = defineActor('lab', { state: {} });
    expect(() => createTestGrid({ actors: [Lab, twin] })).toThrow(/two actors are named lab/);
  });
});

describe('a test grid', () => {
  it('refuses actors that it was not given', async () => {
    await using grid = createTestGrid({ actors: [Lab] });
    expect(() => grid.actor(Desk, 'a')).toThrow(/no actor is named desk/);
  });

  it.each([-1, Number.NaN, 'soon', '-5m'])('refuses to advance by %s', async (duration) => {
    await using grid = createTestGrid({ actors: [Lab] });
    expect(isGridError(await rejection(grid.clock.advance(duration)), 'INVALID_OPTION')).toBe(true);
    expect(grid.clock.now()).toBe(Date.UTC(2026, 0, 1));
  });

  it('fails instead of hanging when its actors keep each other busy', async () => {
    const grid = createTestGrid({ actors: [Lab] });
    await grid.actor(Lab, 'ping').pingPong('pong');
    expect(isGridError(await rejection(grid.settle()), 'UNSETTLED')).toBe(true);
    await grid.close();
    expect(isGridError(await rejection(grid.settle()), 'GRID_CLOSED')).toBe(true);
  });

  it('finishes what was sent when it is closed, fails what still waits, and refuses the rest', async () => {
    const grid = createTestGrid({ actors: [Lab] });
    const lab = grid.actor(Lab, 'a');
    const added = lab.add(1);
    const holding = rejection(grid.actor(Lab, 'b').hold('closing'));
    const watch = lab.watch.log();
    await watch.next();
    const next = watch.next();
    await Promise.all([grid.close(), grid.close()]);
    expect(await added).toBe(1);
    expect(isGridError(await holding, 'OUTCOME_UNKNOWN')).toBe(true);
    expect(await next).toMatchObject({ done: true });
    expect(await watch.next()).toMatchObject({ done: true });
    const refused = [lab.add(1), grid.settle(), grid.restart(), grid.clock.advance(1)];
    for (const call of refused) expect(isGridError(await rejection(call), 'GRID_CLOSED')).toBe(true);
    // A handler that goes on after the end does no harm.
    gate('closing').resolve();
  });
});
