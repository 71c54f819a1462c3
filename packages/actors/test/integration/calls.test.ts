import { createGrid, type Grid } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bank } from '../fixtures/bank-actors.ts';
import { Desk, Guest } from '../fixtures/office-actors.ts';
import { rejection, until, within } from '../../../../test/fixtures/until.ts';

let grid: Grid;
let desks = 0;

/** A fresh room with two desks in one partition. */
function room(): { one: string; other: string } {
  const name = `room${desks++}`;
  return { one: `${name}:1`, other: `${name}:2` };
}

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 2,
    partitions: 8,
    callTimeout: '10s',
  });
});

afterAll(() => grid.close());

describe('commands and queries', () => {
  it('answer from state that only commands change', async () => {
    const desk = grid.actor(Desk, room().one);
    expect(desk.peek.all()).toEqual(await desk.all());
    expect(await desk.add(3)).toBe(3);
    await desk.label('grün 🦊');
    await desk.note('12345678');
    await desk.tag(['a', 'b']);
    await desk.small(4_294_967_295);
    expect(await desk.file('x', 'body')).toBe(1);
    const expected = {
      n: 3,
      label: 'grün 🦊',
      open: true,
      small: 4_294_967_295,
      note: '12345678',
      tags: ['a', 'b'],
      board: [{ rank: 1, member: 'x', score: 4 }],
      files: 1,
      log: [],
    };
    expect(await desk.all()).toEqual(expected);
    expect(desk.peek.all()).toEqual(expected);
    expect(await desk.peekOrAsk.all()).toEqual(expected);
    expect(await desk.file('y', 'other')).toBe(2);
    expect(desk.peek.readFile('y')).toEqual({ body: 'other', size: 5 });
  });

  it('carry any plain value there and back', async () => {
    const value = {
      text: 'ü',
      number: -0.5,
      big: 12345678901234567890n,
      at: new Date(1234),
      bytes: Uint8Array.of(1, 2, 3),
      map: new Map([['k', [1, null, undefined, true]]]),
      set: new Set(['s']),
      nested: { deep: { deeper: [{}] } },
    };
    expect(await grid.actor(Desk, room().one).echo(value)).toEqual(value);
  });

  it('refuse what is no plain value with the path to it', async () => {
    const desk = grid.actor(Desk, room().one);
    const error = await rejection(desk.echo({ when: { fn: () => 1 } }));
    expect(isGridError(error, 'ENCODE')).toBe(true);
    expect(error.message).toContain('when.fn');
    expect(await desk.echo('still here')).toBe('still here');
  });

  it('refuse values that do not fit their field, and change nothing', async () => {
    const desk = grid.actor(Desk, room().one);
    for (const attempt of [desk.small(-1), desk.small(1.5), desk.note('123456789'), desk.add('x' as never)]) {
      const error = await rejection(attempt);
      expect(error.message).toMatch(/small|note|field|n is/);
    }
    expect((await desk.all()).n).toBe(0);
  });

  it('run in the order in which they were sent', async () => {
    const desk = grid.actor(Desk, room().one);
    const lines = Array.from({ length: 300 }, (_, index) => `line ${index}`);
    const counts = await Promise.all(lines.map((line) => desk.record(line)));
    expect(counts).toEqual(lines.map((_, index) => index + 1));
    expect(await desk.log()).toEqual(lines);
  });

  it('hand out packed values deeply read-only', async () => {
    const desk = grid.actor(Desk, room().one);
    await desk.tag(['a']);
    const { tags } = desk.peek.all();
    expect(() => (tags as string[]).push('b')).toThrow(TypeError);
  });

  it('forget an actor with all its structures', async () => {
    const desk = grid.actor(Desk, room().one);
    await desk.file('x', 'body');
    await desk.add(1);
    await desk.forget();
    expect(desk.peek.all()).toMatchObject({ n: 0, board: [], files: 0 });
    expect(await desk.add(1)).toBe(1);
    expect(await desk.file('z', 'body')).toBe(1);
  });

  it('see a time that does not go back', async () => {
    const desk = grid.actor(Desk, room().one);
    const before = Date.now();
    const first = await desk.now();
    const second = await desk.now();
    expect(first).toBeGreaterThanOrEqual(before - 1000);
    expect(second).toBeGreaterThanOrEqual(first);
  });
});

describe('errors', () => {
  it('cross threads with name, message, stack, code, fields and cause, and undo the turn', async () => {
    const desk = grid.actor(Desk, room().one);
    await desk.add(1);
    const error = (await rejection(desk.failAfterWriting())) as Error & { code: string; amount: number };
    expect(error.name).toBe('PaymentRefused');
    expect(error.message).toBe("can't pay 7");
    expect(error.stack).toContain('office-actors');
    expect(error.code).toBe('PAYMENT_REFUSED');
    expect(error.amount).toBe(7);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect((error.cause as Error).message).toBe('empty account');
    expect(await desk.all()).toMatchObject({ n: 1, label: '', board: [], files: 0 });
    expect(desk.peek.all()).toMatchObject({ n: 1, label: '', board: [], files: 0 });
  });

  it('of the grid keep their class, code and details', async () => {
    const error = await rejection(grid.actor(Desk, room().one).failWithGridError());
    expect(isGridError(error, 'INVALID_ARGUMENT')).toBe(true);
    expect(error).toMatchObject({ message: 'a grid error of our own', details: { field: 'amount' } });
  });

  it('are made of whatever was thrown', async () => {
    const error = await rejection(grid.actor(Desk, room().one).failWithText());
    expect(isGridError(error, 'HANDLER_FAILED')).toBe(true);
    expect(error.message).toContain('just a text');
  });

  it('of queries come to askers and peekers alike', async () => {
    const desk = grid.actor(Desk, room().one);
    expect(await rejection(desk.fails())).toBeInstanceOf(TypeError);
    expect(() => desk.peek.fails()).toThrow(TypeError);
    expect(isGridError(await rejection(desk.writes()), 'READ_ONLY_VIEW')).toBe(true);
    expect(() => desk.peek.writes()).toThrow(/only read/);
    expect(isGridError(await rejection(desk.promises()), 'ASYNC_QUERY')).toBe(true);
    expect(() => desk.peek.promises()).toThrow(/returned a promise/);
  });

  it('name an actor that the module does not export', () => {
    expect(() => grid.actor(Bank, 'x')).toThrow(/bank/);
  });

  it('of an activation hook refuse the call and leave the thread alone', async () => {
    const error = await rejection(grid.actor(Guest, 'unwelcome').add(1));
    expect(isGridError(error, 'ACTIVATION_FAILED')).toBe(true);
    expect(error.message).toContain('not this one');
    expect((error.cause as Error).name).toBe('RangeError');
    expect(await grid.actor(Guest, 'welcome').add(1)).toBe(1);
    expect((await grid.stats()).recoveries).toEqual([]);
  });
});

describe('asynchronous commands', () => {
  it('let queries and other actors run while they await, and hold back their own commands', async () => {
    const { one, other } = room();
    const desk = grid.actor(Desk, one);
    const running = desk.stepThenWait('a');
    const second = desk.add(100);
    expect(
      await until(
        'the first step',
        () => desk.get(),
        (n) => n === 1,
      ),
    ).toBe(1);
    expect(await grid.actor(Desk, other).add(5)).toBe(5);
    expect(desk.peek.get()).toBe(1);
    await grid.actor(Desk, other).open('a');
    expect(await running).toBe(2);
    expect(await second).toBe(102);
  });

  it('keep committed steps when a later one fails, and say how many', async () => {
    const desk = grid.actor(Desk, room().one);
    const error = await rejection(desk.stepThenFail());
    expect(error).toMatchObject({ name: 'RangeError', message: 'the second step', stepsCommitted: 1 });
    expect(await desk.get()).toBe(10);
  });

  it('are rolled back with AsyncWriteError when they write outside of a step', async () => {
    const desk = grid.actor(Desk, room().one);
    for (const attempt of [desk.writesOutside(), desk.writesLater(), desk.asyncStep()]) {
      expect(isGridError(await rejection(attempt), 'ASYNC_WRITE')).toBe(true);
    }
    expect(await desk.get()).toBe(0);
    expect(await desk.add(1)).toBe(1);
  });

  it('call other actors', async () => {
    const from = room().one;
    const to = room().one;
    expect(await grid.actor(Desk, from).pass(to, 4)).toBe(-4);
    expect(await grid.actor(Desk, to).get()).toBe(4);
  });

  it('fail at once with the path when actors would wait for each other', async () => {
    const a = room().one;
    const b = room().one;
    const error = await within('the cycle is found', rejection(grid.actor(Desk, a).callsBack(b)), 2000);
    expect(isGridError(error, 'CALL_CYCLE')).toBe(true);
    expect(error).toMatchObject({ details: { path: [`desk/${a}`, `desk/${b}`, `desk/${a}`] } });
    const own = await within('its own cycle', rejection(grid.actor(Desk, a).callsItself()), 2000);
    expect(isGridError(own, 'CALL_CYCLE')).toBe(true);
    expect(await grid.actor(Desk, a).add(1)).toBe(1);
  });

  it('send messages that arrive once the turn commits', async () => {
    const { one, other } = room();
    await grid.actor(Desk, one).notify(other, 3);
    expect(
      await until(
        'the message',
        () => grid.actor(Desk, other).get(),
        (n) => n !== 0,
      ),
    ).toBe(3);
    expect(await grid.actor(Desk, one).get()).toBe(-3);
  });
});

describe('tell', () => {
  it('sends in order and waits for nothing, also when the command fails', async () => {
    const desk = grid.actor(Desk, room().one);
    desk.tell.record('a');
    desk.tell.failAfterWriting();
    desk.tell.record('b');
    expect(await desk.record('c')).toBe(3);
    expect(await desk.log()).toEqual(['a', 'b', 'c']);
  });
});

describe('once', () => {
  it('gives a retry the first answer and changes nothing', async () => {
    const desk = grid.actor(Desk, room().one);
    const first = await desk.with({ once: 'order-1' }).add(5);
    expect(await desk.with({ once: 'order-1' }).add(5)).toBe(first);
    expect(await desk.with({ once: 'order-2' }).add(5)).toBe(10);
    expect(await desk.get()).toBe(10);
  });

  it('holds for retries that are sent together, and for asynchronous commands', async () => {
    const { one, other } = room();
    const desk = grid.actor(Desk, one);
    const same = await Promise.all(Array.from({ length: 20 }, () => desk.with({ once: 'k' }).add(1)));
    expect(new Set(same)).toEqual(new Set([1]));
    const slow = [desk.with({ once: 's' }).stepThenWait(one), desk.with({ once: 's' }).stepThenWait(one)];
    await grid.actor(Desk, other).open(one);
    expect(await Promise.all(slow)).toEqual([3, 3]);
  });

  it('refuses a key that was used for another call', async () => {
    const desk = grid.actor(Desk, room().one);
    await desk.with({ once: 'k' }).add(5);
    expect(isGridError(await rejection(desk.with({ once: 'k' }).add(6)), 'ONCE_CONFLICT')).toBe(true);
    expect(isGridError(await rejection(desk.with({ once: 'k' }).label('x')), 'ONCE_CONFLICT')).toBe(true);
  });

  it('remembers no failure: a retry runs again', async () => {
    const desk = grid.actor(Desk, room().one);
    await rejection(desk.with({ once: 'f' }).failAfterWriting());
    expect((await rejection(desk.with({ once: 'f' }).failAfterWriting())).name).toBe('PaymentRefused');
    expect(await desk.add(1)).toBe(1);
  });

  it('outlives the thread that answered', async () => {
    const desk = grid.actor(Desk, room().one);
    const first = await desk.with({ once: 'kept' }).add(7);
    await Promise.all([grid.terminateWorker(0), grid.terminateWorker(1)]);
    expect(await desk.with({ once: 'kept' }).add(7)).toBe(first);
    expect(await desk.get()).toBe(7);
  });
});

describe('options of a call', () => {
  it.each([
    [{ tiemout: 5 }, /tiemout.*ack, timeout/],
    [{ timeout: -1 }, /with.timeout is -1: allowed is milliseconds/],
    [{ ack: 'replicated' }, /needs a cluster/],
    [{ ack: 'maybe' }, /maybe.*'memory' and 'durable'/],
    [{ once: '' }, /1 to 256/],
    [{ once: 'x'.repeat(257) }, /1 to 256/],
    [{ signal: 3 }, /AbortSignal/],
    [{ whenFull: 'drop' }, /'wait' and 'fail'/],
  ])('%o is refused with what is allowed', (options, message) => {
    expect(() => grid.actor(Desk, 'x').with(options as never)).toThrow(message);
  });
});
