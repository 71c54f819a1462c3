/**
 * Messages that turns send to other actors (`turn.send`). They are stored in the sending turn, in the heap and as a row, so
 * they exist exactly when that turn does; they leave when the turn's ack level is reached, and each is forgotten when its
 * receiver has answered. A message carries (partition, epoch, sequence, index) as its idempotency key: sent again by a
 * successor or after a restart, it takes effect once.
 */
import {
  type Clock,
  durableSequence,
  HotMap,
  IndexScan,
  type KeyBytes,
  KeyScratch,
  PackReader,
  PackWriter,
  RecordDraft,
  RecordShape,
  readByteLength,
  readByteOffset,
  readValue,
  writeValue,
} from '@spacegrid/core';
import { SYSTEM_OUTGOING } from '../state/row-keys.ts';
import { bytesTable, type SystemTable } from '../state/system-table.ts';
import { type Due, DueQueue } from './due-queue.ts';
import type { Partition } from './partition.ts';

const ROOT = 2;
const SHAPE = new RecordShape([{ name: 'messages', kind: 'packed' }]);
const MESSAGES = SHAPE.fieldOrThrow('messages');
const PREFIX = Uint8Array.of(0, SYSTEM_OUTGOING);
/** Its rows: the messages. */
export const OUTGOING_ROWS: SystemTable = bytesTable(ROOT, SYSTEM_OUTGOING, SHAPE, MESSAGES);
/** Bound: messages under way from one worker; more wait in their heaps. */
const UNDER_WAY_MAX = 10_000;

/** One message: by names, since rows outlive the numbers of a program. */
export type Message = readonly [type: string, handler: string, key: string, args: readonly unknown[]];

/** What became of a message: it need not be sent again, or it is to be sent again later. */
export type Delivery = 'done' | 'later';

/** Delivers a message. Rejects when it stays stored until the next start of this thread. */
export type Deliver = (message: Message, once: string) => Promise<Delivery>;

interface Parcel {
  readonly partition: Partition;
  readonly id: string;
  /** How often it was sent in vain. */
  readonly tries: number;
  /** The messages that need not be sent again, by index. */
  readonly done: Set<number>;
  /** Those that leave again by the next start of this thread only. */
  readonly staying: Set<number>;
}

/** As it is stored: null stands for what has arrived. */
type StoredMessages = readonly (Message | null)[];

interface DelayedParcel extends Due {
  readonly parcel: Parcel;
}

const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 30_000;

export class Outgoing {
  private readonly deliver: Deliver;
  private readonly keys: KeyScratch;
  private readonly draft = new RecordDraft(SHAPE);
  private readonly ready: Parcel[] = [];
  /** Of which messages have arrived that are stored still. */
  private readonly arrived: Set<Parcel> = new Set();
  /** Without room to forget them this is tried again then. */
  private forgetAt: number;
  private readonly delayed: DueQueue<DelayedParcel> = new DueQueue();
  private readonly clock: Clock;
  /** Messages that have left and are not answered. */
  underWay: number;

  constructor(hashSeed: number, clock: Clock, deliver: Deliver) {
    this.keys = new KeyScratch(hashSeed);
    this.clock = clock;
    this.deliver = deliver;
    this.forgetAt = 0;
    this.underWay = 0;
  }

  /** In the sending turn. Returns the id to `release` when the turn's ack level is reached. */
  store(partition: Partition, messages: readonly Message[]): string {
    const { heap } = partition;
    const id = `${heap.epoch}/${heap.committed + 1}`;
    this.write(partition, id, messages);
    return id;
  }

  /** The stored messages may leave. */
  release(partition: Partition, id: string): void {
    this.ready.push({ partition, id, tries: 0, done: new Set(), staying: new Set() });
  }

  /**
   * After a worker's start: everything stored leaves again, once its turn is durable: nothing says whether it has to wait for
   * that.
   */
  load(partition: Partition): void {
    const table = tableOf(partition);
    if (table === undefined) return;
    const ids: string[] = [];
    const scan = new IndexScan(256);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) ids.push(table.keyOf(scan.refs[index] as number));
    } while (cursor !== 0);
    const durable = partition.persistent ? durableSequence(partition.heap) : Number.POSITIVE_INFINITY;
    const stored = ids.map((id) => ({ id, sequence: sequenceOf(partition, id) }));
    for (const { id, sequence } of stored.sort((one, other) => one.sequence - other.sequence)) {
      if (sequence <= durable) this.release(partition, id);
      else partition.gate.hold({ sequence, open: () => this.release(partition, id) });
    }
  }

  /** Once a round: sends what may leave, forgets what has arrived. True when it did something. */
  round(): boolean {
    let worked = false;
    const nowMs = this.clock.now();
    for (let item = this.delayed.take(nowMs); item !== undefined; item = this.delayed.take(nowMs))
      this.ready.push(item.parcel);
    while (this.ready.length > 0 && this.underWay < UNDER_WAY_MAX) {
      this.send(this.ready.shift() as Parcel);
      worked = true;
    }
    if (this.arrived.size > 0 && this.forgetAt <= nowMs) {
      this.forgetArrived(nowMs);
      worked = true;
    }
    return worked;
  }

  /** When something is sent or forgotten that could not be before; Infinity when nothing waits for that. */
  get nextAt(): number {
    return Math.min(this.delayed.nextAt, this.arrived.size > 0 ? this.forgetAt : Number.POSITIVE_INFINITY);
  }

  /** Something may be sent, or forgotten, at once. */
  get hasReady(): boolean {
    if (this.arrived.size > 0 && this.forgetAt <= this.clock.now()) return true;
    return this.ready.length > 0 && this.underWay < UNDER_WAY_MAX;
  }

  get idle(): boolean {
    return this.underWay === 0 && this.ready.length === 0 && this.arrived.size === 0;
  }

  /** Restores messages from their row, or takes them away. In a bracket. */
  restore(partition: Partition, key: KeyBytes, row: PackReader | undefined): void {
    if (row === undefined) tableOf(partition)?.delete(key);
    else this.put(partition, key, row.raw(row.end - row.at));
  }

  private send(parcel: Parcel): void {
    const { partition, id, done, staying } = parcel;
    const messages = this.read(partition, id);
    if (messages === undefined) return;
    const leaving: { readonly message: Message; readonly index: number }[] = [];
    messages.forEach((message, index) => {
      if (message === null) done.add(index);
      else if (!done.has(index) && !staying.has(index)) leaving.push({ message, index });
    });
    this.underWay += leaving.length;
    let left = leaving.length;
    let again = false;
    const settle = (): void => {
      this.underWay--;
      if (--left === 0 && again) this.delay(parcel);
    };
    for (const { message, index } of leaving) {
      void this.deliver(message, `\u0001${partition.number}/${id}/${index}`).then(
        (delivery) => {
          if (delivery === 'later') {
            again = true;
          } else {
            // Forgotten at once, each by itself: its idempotency key is remembered for a while only.
            done.add(index);
            this.arrived.add(parcel);
          }
          settle();
        },
        () => {
          // Stored as it is, it leaves again by the next start of this thread.
          staying.add(index);
          settle();
        },
      );
    }
  }

  private delay(parcel: Parcel): void {
    const { id, tries } = parcel;
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(tries, 16));
    this.delayed.push({ dueAt: this.clock.now() + delayMs, id, parcel: { ...parcel, tries: tries + 1 } });
  }

  private forgetArrived(nowMs: number): void {
    const byPartition = Map.groupBy(this.arrived, ({ partition }) => partition);
    this.arrived.clear();
    for (const [partition, parcels] of byPartition) {
      if (partition.internalTurn(() => this.forget(partition, parcels))) continue;
      // The heap is full: until there is room it is known here.
      for (const parcel of parcels) this.arrived.add(parcel);
      this.forgetAt = nowMs + RETRY_MS_MIN;
    }
  }

  private forget(partition: Partition, parcels: readonly Parcel[]): void {
    const { changes } = partition;
    for (const { id, done } of parcels) {
      const messages = this.read(partition, id);
      if (messages === undefined) continue;
      const left = messages.map((message, index) => (done.has(index) ? null : message));
      if (left.some((message) => message !== null)) {
        this.write(partition, id, left);
        continue;
      }
      const key = this.keys.set(id);
      if (tableOf(partition)?.delete(key) === true && changes.enabled) changes.delete(PREFIX, undefined, key);
    }
  }

  private read(partition: Partition, id: string): StoredMessages | undefined {
    const { heap } = partition;
    const record = tableOf(partition)?.find(this.keys.set(id)) ?? 0;
    if (record === 0) return undefined;
    const length = readByteLength(heap, record, MESSAGES);
    const offset = readByteOffset(heap, record, MESSAGES);
    return readValue(new PackReader(heap.u8, offset, offset + length)) as StoredMessages;
  }

  /** In a turn. */
  private write(partition: Partition, id: string, messages: StoredMessages): void {
    const writer = PackWriter.growing();
    writeValue(writer, messages);
    const bytes = writer.written();
    const key = this.keys.set(id);
    this.put(partition, key, bytes);
    if (!partition.changes.enabled) return;
    partition.changes.put(PREFIX, undefined, key, bytes.length);
    partition.changes.writer.raw(bytes, 0, bytes.length);
  }

  private put(partition: Partition, key: KeyBytes, bytes: Uint8Array): void {
    this.draft.reset();
    this.draft.setBytes(MESSAGES, bytes);
    let table = tableOf(partition);
    if (table === undefined) {
      partition.heap.publish(partition.heap.root(ROOT), HotMap.create(partition.heap));
      table = tableOf(partition) as HotMap;
    }
    table.put(key, this.draft);
  }
}

/** Of the turn that sent it; 0 for one of an earlier start, which is in the store. */
function sequenceOf({ heap }: Partition, id: string): number {
  const [epoch, sequence] = id.split('/').map(Number) as [number, number];
  return epoch === heap.epoch ? sequence : 0;
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}
