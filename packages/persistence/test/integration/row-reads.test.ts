/** Rows read back from a running store, and what a start is given of groups. */
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import {
  decodeError,
  foldedSequence,
  handOver,
  isGridError,
  PackReader,
  type RecoveryChunk,
  type RowsAnswer,
  type RowsQuestion,
} from '@spacegrid/core';
import { afterEach, describe, expect, it } from 'vitest';
import { until, within } from '../../../../test/fixtures/until.ts';
import { bytesOf, type Change, decodeChanges } from '../fixtures/changes.ts';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

const ports: MessagePort[] = [];

afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

async function asking(store: DurablePartitions): Promise<(question: RowsQuestion) => Promise<RowsAnswer>> {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1);
  await store.control.serveRows(handOver(port2));
  return (question) => {
    const answered = new Promise<RowsAnswer>((resolve) => port1.once('message', resolve));
    port1.postMessage(question);
    return within('an answer', answered);
  };
}

/** All rows whose keys begin so, and in how many answers they came. Throws what the store says. */
async function readAll(
  store: DurablePartitions,
  prefix: string,
): Promise<{ readonly rows: readonly Change[]; readonly answers: number }> {
  const ask = await asking(store);
  const rows: Change[] = [];
  let from: Uint8Array | undefined = bytesOf(prefix);
  let answers = 0;
  for (; from !== undefined; answers++) {
    const answer = await ask({ id: answers, partition: 0, prefix: bytesOf(prefix), from });
    if ('error' in answer) throw decodeError(new PackReader(answer.error));
    expect(answer.id).toBe(answers);
    rows.push(...decodeChanges(answer.changes));
    from = answer.next;
  }
  return { rows, answers };
}

async function settled(store: DurablePartitions): Promise<void> {
  await store.control.flush();
  await until(
    'all is folded',
    () => store.control.status(),
    ({ foldLagBytes }) => foldLagBytes === 0,
  );
}

/** A key of a group: what it begins with, two bytes of length, the group's name, and what stands in the group. */
const inGroup = (prefix: string, group: string, rest: string): string =>
  `${prefix}\u0000${String.fromCharCode(group.length)}${group}${rest}`;

describe('rows of a running store', () => {
  it('are read by the beginning of their keys, in pages, whole and nothing beside them', async () => {
    const store = await DurablePartitions.open(temporaryDirectory());
    const own = Array.from({ length: 9000 }, (_, at) => ['put', `b/${String(at).padStart(5, '0')}`, `${at}`] as const);
    store.turn(0, [['put', 'a', 'x'], ...own, ['put', 'b0', 'x'], ['put', 'c', 'x']]);
    store.turn(1, [['put', 'b/other partition', 'x']]);
    await settled(store);
    const { rows, answers } = await readAll(store, 'b/');
    expect(rows).toEqual(own);
    expect(answers).toBeGreaterThan(2);
    expect((await readAll(store, 'nothing')).rows).toEqual([]);
    await store.close();
  });

  it('hold what was in the journal’s tail at the start', async () => {
    const directory = temporaryDirectory();
    const first = await DurablePartitions.open(directory);
    first.turn(0, [['put', 'a', 'folded']]);
    await settled(first);
    first.turn(0, [
      ['put', 'a', 'tail'],
      ['put', 'ab', 'tail'],
    ]);
    await first.control.flush();
    await first.abandon();
    const store = await DurablePartitions.open(directory);
    expect((await readAll(store, 'a')).rows).toEqual([
      ['put', 'a', 'tail'],
      ['put', 'ab', 'tail'],
    ]);
    await store.close();
  });

  it('come with the last change of a key that can’t be folded', async () => {
    const directory = temporaryDirectory();
    const first = await DurablePartitions.open(directory);
    first.turn(0, [['put', 'a/poison', 'old']]);
    await settled(first);
    await first.close();
    tamper(
      join(directory, 'rows.db'),
      "CREATE TRIGGER refuse BEFORE UPDATE ON rows WHEN new.key = CAST('a/poison' AS BLOB) BEGIN SELECT RAISE(ABORT, 'poison'); END",
      "CREATE TRIGGER refuseNew BEFORE INSERT ON rows WHEN new.key = CAST('a/poison' AS BLOB) BEGIN SELECT RAISE(ABORT, 'poison'); END",
    );
    const store = await DurablePartitions.open(directory);
    store.turn(0, [
      ['put', 'a/poison', 'new'],
      ['put', 'a/other', 'new'],
    ]);
    await settled(store);
    expect((await readAll(store, 'a/')).rows).toEqual([
      ['put', 'a/other', 'new'],
      ['put', 'a/poison', 'old'],
      ['put', 'a/poison', 'new'],
    ]);
    expect((await readAll(store, 'a/o')).rows).toEqual([['put', 'a/other', 'new']]);
    await store.close();
  });

  it('are refused where one of them fails its checksum, and read beside it', async () => {
    const directory = temporaryDirectory();
    const first = await DurablePartitions.open(directory);
    first.turn(0, [
      ['put', 'a/1', 'x'],
      ['put', 'b/1', 'x'],
      ['put', 'c/1', 'x'],
    ]);
    await settled(first);
    await first.close();
    tamper(join(directory, 'rows.db'), "UPDATE rows SET value = CAST('y' AS BLOB) WHERE key = CAST('b/1' AS BLOB)");
    const store = await DurablePartitions.open(directory, { groupsOf: ['a', 'b', 'c'] });
    const error = await readAll(store, 'b/').catch((refused: unknown) => refused);
    expect(isGridError(error, 'STORE_CORRUPT') && error.details).toEqual({
      partition: 0,
      keys: [Buffer.from('b/1').toString('hex')],
    });
    expect((await readAll(store, 'a/')).rows).toEqual([['put', 'a/1', 'x']]);
    expect((await readAll(store, 'c/')).rows).toEqual([['put', 'c/1', 'x']]);
    await store.close();
  });
});

describe('the folded watermark', () => {
  it('follows the rows, not the journal, and stands there for a successor', async () => {
    const directory = temporaryDirectory();
    const store = await DurablePartitions.open(directory);
    const { heap } = store.partitions[0] as (typeof store.partitions)[0];
    const sequence = store.turn(0, [['put', 'a', '1']]);
    await store.control.flush();
    expect(store.durable(0)).toBe(sequence);
    await until(
      'the turn is folded',
      () => foldedSequence(heap),
      (folded) => folded === sequence,
    );
    await store.close();
    const again = await DurablePartitions.open(directory);
    expect(foldedSequence((again.partitions[0] as (typeof again.partitions)[0]).heap)).toBe(sequence);
    await again.close();
  });
});

describe('a start that asks for groups', () => {
  it('is given each group once and no row of it, the other rows, and the tail whole', async () => {
    const directory = temporaryDirectory();
    const first = await DurablePartitions.open(directory);
    const large = Array.from(
      { length: 9000 },
      (_, at) => ['put', inGroup('g', 'large', `${at}`.padStart(5)), 'x'] as const,
    );
    first.turn(0, [
      ['put', 'a', 'before'],
      ['put', inGroup('g', 'first', '1'), 'x'],
      ['put', inGroup('g', 'first', '2'), 'x'],
      ...large,
      ['put', inGroup('g', 'zlast', ''), 'x'],
      ['put', 'h', 'between'],
      ['put', inGroup('k', 'only', ''), 'x'],
      ['put', 'z', 'behind'],
    ]);
    await settled(first);
    first.turn(0, [['put', inGroup('g', 'first', '3'), 'tail']]);
    await first.control.flush();
    await first.abandon();
    const store = await DurablePartitions.open(directory);
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    const found: Change[] = [];
    const ended = new Promise<void>((resolve) => {
      port1.on('message', (chunk: RecoveryChunk) => {
        if (chunk.done) return resolve();
        found.push(...decodeChanges(chunk.changes));
        port1.postMessage({ credits: 1 });
      });
    });
    port1.postMessage({ credits: 2, groupsOf: [bytesOf('k'), bytesOf('g')] });
    await store.control.recover(0, handOver(port2));
    await within('the end of the recovery', ended);
    expect(found.slice(0, 7)).toEqual([
      ['put', 'a', 'before'],
      ['put', inGroup('g', 'first', ''), ''],
      ['put', inGroup('g', 'large', ''), ''],
      ['put', inGroup('g', 'zlast', ''), ''],
      ['put', 'h', 'between'],
      ['put', inGroup('k', 'only', ''), ''],
      ['put', 'z', 'behind'],
    ]);
    expect(found.slice(7)).toEqual([['put', inGroup('g', 'first', '3'), 'tail']]);
    await store.close();
  });
});
