/**
 * Messages that turns send to other actors (`turn.send`). They are stored in the sending turn, in the heap and as a row, so
 * they exist exactly when that turn does; they leave when the turn's ack level is reached, and are forgotten when every
 * receiver has answered. A message carries (partition, epoch, sequence, index) as its idempotency key: sent again by a
 * successor or after a restart, it takes effect once.
 */
import {
  type Clock,
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
import { type Due, DueQueue } from './due-queue.ts';
import type { Partition } from './partition.ts';

const ROOT = 2;
const SHAPE = new RecordShape([{ name: 'messages', kind: 'packed' }]);
const MESSAGES = SHAPE.fieldOrThrow('messages');
const PREFIX = Uint8Array.of(0, SYSTEM_OUTGOING);
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
}

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
  private readonly delivered: Parcel[] = [];
  private readonly delayed: DueQueue<DelayedParcel> = new DueQueue();
  private readonly clock: Clock;
  /** Messages that have left and are not answered. */
  underWay: number;

  constructor(hashSeed: number, clock: Clock, deliver: Deliver) {
    this.keys = new KeyScratch(hashSeed);
    this.clock = clock;
    this.deliver = deliver;
    this.underWay = 0;
  }

  /** In the sending turn. Returns the id to `release` when the turn's ack level is reached. */
  store(partition: Partition, messages: readonly Message[]): string {
    const { heap } = partition;
    const id = `${heap.epoch}/${heap.committed + 1}`;
    const writer = PackWriter.growing();
    writeValue(writer, messages);
    const bytes = writer.written();
    const key = this.keys.set(id);
    this.put(partition, key, bytes);
    if (partition.changes.enabled) {
      partition.changes.put(PREFIX, undefined, key, bytes.length);
      partition.changes.writer.raw(bytes, 0, bytes.length);
    }
    return id;
  }

  /** The stored messages may leave. */
  release(partition: Partition, id: string): void {
    this.ready.push({ partition, id, tries: 0 });
  }

  /** After a worker's start: everything stored leaves again. */
  load(partition: Partition): void {
    const table = tableOf(partition);
    if (table === undefined) return;
    const scan = new IndexScan(256);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) this.release(partition, table.keyOf(scan.refs[index] as number));
    } while (cursor !== 0);
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
    if (this.delivered.length > 0) {
      this.forgetDelivered();
      worked = true;
    }
    return worked;
  }

  /** When something is sent again; Infinity when nothing waits for that. */
  get nextAt(): number {
    return this.delayed.nextAt;
  }

  /** Something may be sent, or forgotten, at once. */
  get hasReady(): boolean {
    return this.delivered.length > 0 || (this.ready.length > 0 && this.underWay < UNDER_WAY_MAX);
  }

  get idle(): boolean {
    return this.underWay === 0 && this.ready.length === 0 && this.delivered.length === 0;
  }

  /** Restores messages from their row, or takes them away. In a bracket. */
  restore(partition: Partition, key: KeyBytes, row: PackReader | undefined): void {
    if (row === undefined) tableOf(partition)?.delete(key);
    else this.put(partition, key, row.raw(row.end - row.at));
  }

  private send(parcel: Parcel): void {
    const { partition, id } = parcel;
    const messages = this.read(partition, id);
    if (messages === undefined) return;
    this.underWay += messages.length;
    let left = messages.length;
    let again = false;
    let stays = false;
    const settle = (): void => {
      this.underWay--;
      if (--left > 0 || stays) return;
      // All of it again: what has arrived is known by its idempotency key.
      if (again) this.delay({ ...parcel, tries: parcel.tries + 1 });
      else this.delivered.push(parcel);
    };
    messages.forEach((message, index) => {
      void this.deliver(message, `\u0001${partition.number}/${id}/${index}`).then(
        (delivery) => {
          if (delivery === 'later') again = true;
          settle();
        },
        () => {
          // Stored as it is, it leaves again by the next start of this thread.
          stays = true;
          settle();
        },
      );
    });
  }

  private delay(parcel: Parcel): void {
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(parcel.tries, 16));
    this.delayed.push({ dueAt: this.clock.now() + delayMs, id: parcel.id, parcel });
  }

  private forgetDelivered(): void {
    const byPartition = Map.groupBy(this.delivered.splice(0), (parcel) => parcel.partition);
    for (const [partition, parcels] of byPartition) {
      partition.begin(undefined);
      const table = tableOf(partition);
      for (const { id } of parcels) {
        const key = this.keys.set(id);
        if (table?.delete(key) === true && partition.changes.enabled) partition.changes.delete(PREFIX, undefined, key);
      }
      partition.commitInternal();
    }
  }

  private read(partition: Partition, id: string): readonly Message[] | undefined {
    const { heap } = partition;
    const record = tableOf(partition)?.find(this.keys.set(id)) ?? 0;
    if (record === 0) return undefined;
    const length = readByteLength(heap, record, MESSAGES);
    const offset = readByteOffset(heap, record, MESSAGES);
    return readValue(new PackReader(heap.u8, offset, offset + length)) as readonly Message[];
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

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}
