/**
 * How many steps each asynchronous command under way has committed: in the heap, written in the step's own turn, so that it
 * is exact wherever the thread dies. A successor answers such commands with OutcomeUnknownError instead of running them again.
 */
import { HotMap, IndexScan, KeyScratch, RecordDraft, RecordShape, readU32 } from '@spacegrid/core';
import type { Partition } from './partition.ts';

export const STEPS_ROOT = 3;
const SHAPE = new RecordShape([{ name: 'steps', kind: 'u32' }]);
const STEPS = SHAPE.fieldOrThrow('steps');
const SCAN_ENTRIES = 256;

export class StepTable {
  private readonly keys: KeyScratch;
  private readonly draft: RecordDraft;
  /** The commands of this thread that have committed a step. */
  private readonly open: Set<string>;

  constructor(hashSeed: number) {
    this.keys = new KeyScratch(hashSeed);
    this.draft = new RecordDraft(SHAPE);
    this.open = new Set();
  }

  get size(): number {
    return this.open.size;
  }

  /** In the step's turn; `noted` after its commit. */
  note(partition: Partition, client: number, number: number, steps: number): void {
    const id = idOf(client, number);
    this.draft.reset();
    this.draft.setInt(STEPS, steps);
    ensureTable(partition).put(this.keys.set(id), this.draft);
  }

  /** After that turn was committed: one that is undone has noted nothing. */
  noted(client: number, number: number): void {
    this.open.add(idOf(client, number));
  }

  has(client: number, number: number): boolean {
    return this.open.size > 0 && this.open.has(idOf(client, number));
  }

  /** In the turn that answers the command. */
  end(partition: Partition, client: number, number: number): void {
    const id = idOf(client, number);
    if (this.open.has(id)) tableOf(partition)?.delete(this.keys.set(id));
  }

  /** After that turn was committed. */
  ended(client: number, number: number): void {
    this.open.delete(idOf(client, number));
  }

  /** What a predecessor left: the steps of each command, by client and number. */
  read(partition: Partition, into: Map<string, number>): void {
    const table = tableOf(partition);
    if (table === undefined) return;
    const scan = new IndexScan(SCAN_ENTRIES);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) {
        const record = scan.refs[index] as number;
        into.set(table.keyOf(record), readU32(partition.heap, record, STEPS));
      }
    } while (cursor !== 0);
  }

  /** Forgets what a predecessor left, once its callers have their answers. False when there was no room for it. */
  forget(partition: Partition, ids: Iterable<string>): boolean {
    const table = tableOf(partition);
    if (table === undefined) return true;
    return partition.maintain(() => {
      for (const id of ids) table.delete(this.keys.set(id));
    });
  }
}

export function idOf(client: number, number: number): string {
  return `${client}/${number}`;
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(STEPS_ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}

function ensureTable(partition: Partition): HotMap {
  const table = tableOf(partition);
  if (table !== undefined) return table;
  partition.heap.publish(partition.heap.root(STEPS_ROOT), HotMap.create(partition.heap));
  return tableOf(partition) as HotMap;
}
