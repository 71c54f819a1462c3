/**
 * Requests that were taken out of their rings because they wait long: the asynchronous command that awaits, and what is
 * queued behind it. In its ring such a request keeps the room of all that came after it, until its client could send nothing
 * more to this worker; here it keeps only its own. It is stored in its partition's heap, so that a successor of this thread
 * has it too, and is taken away in the turn that answers it: it runs as often as it would have in its ring.
 *
 * Partition thread only. Kept requests are named by numbers, in the place of a frame in a ring.
 */
import {
  assert,
  HotMap,
  IndexScan,
  KeyScratch,
  RecordDraft,
  RecordShape,
  readByteLength,
  readByteOffset,
  readF64,
  readI32,
  readU32,
  STARTS_MAX,
} from '@spacegrid/core';
import type { Partition } from './partition.ts';
import { RequestFrame } from './request-frame.ts';
import type { RequestSource } from './request-source.ts';
import { idOf } from './step-table.ts';

const ROOT = 8;
const SHAPE = new RecordShape([
  { name: 'client', kind: 'i32' },
  { name: 'starts', kind: 'u32' },
  { name: 'order', kind: 'f64' },
  { name: 'body', kind: 'packed' },
]);
const CLIENT = SHAPE.fieldOrThrow('client');
const STARTS = SHAPE.fieldOrThrow('starts');
const ORDER = SHAPE.fieldOrThrow('order');
const BODY = SHAPE.fieldOrThrow('body');
const SCAN_ENTRIES = 64;
/** Bound: most kept requests of a client and worker. More stay in their ring, which then makes the client wait. */
const KEPT_MAX = 4096;
/** Bound: the largest request that is kept. */
const BODY_BYTES_MAX = 1024 * 1024;

/** `at` of a body that begins at word 0: frames have two words before it. */
const BODY_FRAME = -2;

interface Kept {
  readonly client: number;
  readonly id: string;
  readonly partition: Partition;
  readonly request: RequestFrame;
}

export class KeptRequests {
  private readonly keys: KeyScratch;
  private readonly draft: RecordDraft;
  private readonly byNumber = new Map<number, Kept>();
  /** Those whose rows are in the heap, by requester and request number. */
  private readonly numbers = new Map<string, number>();
  private readonly counts: number[];
  /** Ended without a turn of their own, and still in the heap. */
  private readonly ended: Kept[];
  private next: number;

  constructor(hashSeed: number, clients: number) {
    this.keys = new KeyScratch(hashSeed);
    this.draft = new RecordDraft(SHAPE);
    this.counts = new Array<number>(clients).fill(0);
    this.ended = [];
    this.next = 0;
  }

  get size(): number {
    return this.numbers.size;
  }

  /** Keeps a copy of a request, started `starts` times. Returns its number; −1 when it has to stay where it is. */
  keep(partition: Partition, client: number, requester: number, request: RequestFrame, starts: number): number {
    if ((this.counts[client] as number) >= KEPT_MAX) return -1;
    const body = request.copy();
    if (body.length > BODY_BYTES_MAX) return -1;
    const id = idOf(requester, request.number);
    const isStored = partition.maintain(() => {
      this.draft.reset();
      this.draft.setInt(CLIENT, client);
      this.draft.setInt(STARTS, starts);
      this.draft.setF64(ORDER, this.next);
      this.draft.setBytes(BODY, body);
      ensureTable(partition).put(this.keys.set(id), this.draft);
    });
    if (!isStored) return -1;
    return this.add(partition, client, id, body, starts);
  }

  at(number: number): RequestFrame {
    return (this.byNumber.get(number) as Kept).request;
  }

  clientOf(number: number): number {
    return (this.byNumber.get(number) as Kept).client;
  }

  /** In the turn that answers a request. */
  end(partition: Partition, requester: number, requestNumber: number): void {
    const id = idOf(requester, requestNumber);
    if (this.numbers.has(id)) tableOf(partition)?.delete(this.keys.set(id));
  }

  /** After that turn was committed. */
  committed(requester: number, requestNumber: number): void {
    this.numbers.delete(idOf(requester, requestNumber));
  }

  /** Takes out of the heap what ended without a turn: refused, answered from memory, given up. */
  sweep(): void {
    if (this.ended.length === 0) return;
    for (const [partition, kept] of Map.groupBy(this.ended.splice(0), ({ partition }) => partition)) {
      const isSwept = partition.maintain(() => {
        for (const { id } of kept) tableOf(partition)?.delete(this.keys.set(id));
      });
      if (!isSwept) this.ended.push(...kept);
    }
  }

  /** What a predecessor kept, by its numbers here, oldest first. */
  load(partition: Partition): readonly number[] {
    const table = tableOf(partition);
    if (table === undefined) return [];
    const { heap } = partition;
    const found: { readonly order: number; readonly record: number }[] = [];
    const scan = new IndexScan(SCAN_ENTRIES);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) {
        const record = scan.refs[index] as number;
        found.push({ order: readF64(heap, record, ORDER), record });
      }
    } while (cursor !== 0);
    found.sort((one, other) => one.order - other.order);
    return found.map(({ order, record }) => {
      this.next = Math.max(this.next, order + 1);
      const from = readByteOffset(heap, record, BODY);
      const body = heap.u8.slice(from, from + readByteLength(heap, record, BODY));
      const client = readI32(heap, record, CLIENT);
      return this.add(partition, client, table.keyOf(record), body, readU32(heap, record, STARTS));
    });
  }

  private add(partition: Partition, client: number, id: string, body: Uint8Array, starts: number): number {
    const number = this.next++;
    const source = new KeptBody(body, {
      starts,
      started: (count) => this.noteStart(partition, id, count),
      finished: () => this.finished(number),
    });
    const request = new RequestFrame(source, undefined).at(BODY_FRAME);
    this.byNumber.set(number, { client, id, partition, request });
    this.numbers.set(id, number);
    this.counts[client] = (this.counts[client] as number) + 1;
    return number;
  }

  /** Counted in the heap before it runs, as a ring's frame is. */
  private noteStart(partition: Partition, id: string, starts: number): void {
    // Without room for the count it runs all the same: the next thread would then start it once more.
    partition.maintain(() => {
      const table = tableOf(partition) as HotMap;
      const key = this.keys.set(id);
      this.draft.load(partition.heap, table.find(key));
      this.draft.setInt(STARTS, starts);
      table.put(key, this.draft);
    });
  }

  private finished(number: number): void {
    const kept = this.byNumber.get(number);
    assert(kept !== undefined, 'a kept request is finished once');
    if (kept === undefined) return;
    this.byNumber.delete(number);
    this.counts[kept.client] = (this.counts[kept.client] as number) - 1;
    if (this.numbers.get(kept.id) !== number) return;
    this.numbers.delete(kept.id);
    this.ended.push(kept);
  }
}

interface KeptState {
  starts: number;
  readonly started: (starts: number) => void;
  readonly finished: () => void;
}

class KeptBody implements RequestSource {
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  private readonly state: KeptState;

  constructor(body: Uint8Array, state: KeptState) {
    // Shared like a ring, so that the same code reads both at the same speed.
    const buffer = new SharedArrayBuffer((body.length + 7) & ~7);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.u8.set(body);
    this.state = state;
  }

  start(): number {
    const { state } = this;
    const { starts } = state;
    if (starts >= STARTS_MAX) return starts;
    state.starts = starts + 1;
    state.started(state.starts);
    return starts;
  }

  startsOf(): number {
    return this.state.starts;
  }

  finish(): void {
    this.state.finished();
  }

  hasBulk(): boolean {
    return false;
  }
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}

function ensureTable(partition: Partition): HotMap {
  const table = tableOf(partition);
  if (table !== undefined) return table;
  partition.heap.publish(partition.heap.root(ROOT), HotMap.create(partition.heap));
  return tableOf(partition) as HotMap;
}
