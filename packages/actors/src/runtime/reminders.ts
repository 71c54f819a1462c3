/**
 * Reminders of a worker's partitions: state in each partition's heap (and so in its rows), and a queue of what is due next.
 * A firing runs its command and removes or moves the reminder in the same turn, so it takes effect once.
 */
import {
  type Heap,
  HotMap,
  type KeyBytes,
  KeyScratch,
  PackReader,
  PackWriter,
  RecordDraft,
  RecordShape,
  readByteLength,
  readByteOffset,
  readF64,
  readValue,
  SchemaVersionError,
  writeValue,
  IndexScan,
} from '@spacegrid/core';
import type { ActorType, CompiledHandler } from '../define/actor-type.ts';
import { SYSTEM_REMINDER } from '../state/row-keys.ts';
import { type SystemTable, writeBytes } from '../state/system-table.ts';
import { type Due, DueQueue } from './due-queue.ts';
import type { Partition } from './partition.ts';
import type { TurnOwner } from './turn-owner.ts';

/** Root of the reminders' table. */
export const REMINDER_ROOT = 0;
const SHAPE = new RecordShape([
  { name: 'call', kind: 'packed' },
  { name: 'dueAt', kind: 'f64' },
  { name: 'periodMs', kind: 'f64' },
]);
const CALL = SHAPE.fieldOrThrow('call');
const DUE_AT = SHAPE.fieldOrThrow('dueAt');
const PERIOD = SHAPE.fieldOrThrow('periodMs');
const PREFIX = Uint8Array.of(0, SYSTEM_REMINDER);
/** Its rows: when it is due, its period, its call. */
export const REMINDER_ROWS: SystemTable = {
  root: REMINDER_ROOT,
  system: SYSTEM_REMINDER,
  shape: SHAPE,
  write(row, heap, record) {
    row.f64(readF64(heap, record, DUE_AT));
    row.f64(readF64(heap, record, PERIOD));
    writeBytes(row, heap, record, CALL);
  },
  draft(draft, row) {
    draft.setF64(DUE_AT, row.f64());
    draft.setF64(PERIOD, row.f64());
    draft.setBytes(CALL, row.raw(row.end - row.at));
  },
};
/** Soonest time after which a busy actor is tried again. */
const RETRY_MS = 5;

export interface DueReminder extends Due {
  /** When it is due as it is stored; `dueAt` is later after its actor was busy. */
  readonly storedAt: number;
  readonly partition: Partition;
}

export interface ReminderCall {
  readonly type: ActorType;
  readonly key: string;
  readonly handler: CompiledHandler;
  readonly args: readonly unknown[];
  readonly dueAt: number;
  readonly periodMs: number;
}

export class Reminders {
  readonly due: DueQueue<DueReminder> = new DueQueue();
  private readonly draft = new RecordDraft(SHAPE);
  private readonly key: KeyScratch;
  private readonly types: ReadonlyMap<string, ActorType>;

  constructor(hashSeed: number, types: readonly ActorType[]) {
    this.key = new KeyScratch(hashSeed);
    this.types = new Map(types.map((type) => [type.name, type]));
  }

  /** In the actor's turn. Returns the reminder's id. */
  schedule(activation: TurnOwner, dueAt: number, periodMs: number, handler: string, args: readonly unknown[]): string {
    const { partition } = activation;
    const id = `${activation.layout.type.name}/${partition.heap.sequence() + 1}/${partition.writes}`;
    this.store(partition, id, dueAt, periodMs, encodeCall(activation.layout.type.name, activation.key, handler, args));
    this.due.push({ dueAt, storedAt: dueAt, id, partition });
    return id;
  }

  cancel(activation: TurnOwner, id: string): boolean {
    if (!id.startsWith(`${activation.layout.type.name}/`)) return false;
    return this.remove(activation.partition, this.key.set(id));
  }

  /** The reminder, if it is still there and due then. */
  read(partition: Partition, id: string, storedAt: number): ReminderCall | undefined {
    const table = tableOf(partition);
    const record = table?.find(this.key.set(id)) ?? 0;
    if (record === 0 || readF64(partition.heap, record, DUE_AT) !== storedAt) return undefined;
    const call = decodeCall(partition.heap, record);
    return {
      ...this.resolve(call),
      key: call.key,
      args: call.args,
      dueAt: storedAt,
      periodMs: readF64(partition.heap, record, PERIOD),
    };
  }

  /** In the turn that the reminder starts: takes it away, or moves it to its next time. A missed period fires once. */
  fired(partition: Partition, id: string, call: ReminderCall, nowMs: number): void {
    if (call.periodMs === 0) {
      this.remove(partition, this.key.set(id));
      return;
    }
    const missed = Math.max(1, Math.ceil((nowMs - call.dueAt) / call.periodMs));
    const dueAt = call.dueAt + missed * call.periodMs;
    const bytes = encodeCall(call.type.name, call.key, call.handler.name, call.args);
    this.store(partition, id, dueAt, call.periodMs, bytes);
    this.due.push({ dueAt, storedAt: dueAt, id, partition });
  }

  /** The actor is busy: later, by an eighth of the time that it is late already. */
  postpone(item: DueReminder, nowMs: number): void {
    this.due.push({ ...item, dueAt: nowMs + Math.max(RETRY_MS, (nowMs - item.storedAt) / 8) });
  }

  /** After a worker's start: queues what the heap holds. Throws SchemaVersionError for a command that is defined no more. */
  load(partition: Partition): void {
    const table = tableOf(partition);
    if (table === undefined) return;
    const scan = new IndexScan(256);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) {
        const record = scan.refs[index] as number;
        const dueAt = readF64(partition.heap, record, DUE_AT);
        this.resolve(decodeCall(partition.heap, record));
        this.due.push({ dueAt, storedAt: dueAt, id: table.keyOf(record), partition });
      }
    } while (cursor !== 0);
  }

  /** Restores a reminder from its row. In a turn. */
  restore(partition: Partition, id: KeyBytes, row: PackReader | undefined): void {
    if (row === undefined) {
      tableOf(partition)?.delete(id);
      return;
    }
    this.draft.reset();
    this.draft.setF64(DUE_AT, row.f64());
    this.draft.setF64(PERIOD, row.f64());
    this.draft.setBytes(CALL, row.raw(row.end - row.at));
    ensureTable(partition).put(id, this.draft);
  }

  private resolve({ type: typeName, handler: handlerName }: StoredCall): Pick<ReminderCall, 'type' | 'handler'> {
    const type = this.types.get(typeName);
    const handler = type?.handlerByName.get(handlerName);
    if (type === undefined || handler?.command !== true) {
      throw new SchemaVersionError(
        `the store holds a reminder for the command ${typeName}.${handlerName}, which the actors module does not define: keep the command until its reminders have fired or were cancelled`,
      );
    }
    return { type, handler };
  }

  private store(partition: Partition, id: string, dueAt: number, periodMs: number, call: Uint8Array): void {
    const key = this.key.set(id);
    this.draft.reset();
    this.draft.setF64(DUE_AT, dueAt);
    this.draft.setF64(PERIOD, periodMs);
    this.draft.setBytes(CALL, call);
    ensureTable(partition).put(key, this.draft);
    if (!partition.changes.enabled) return;
    partition.changes.put(PREFIX, undefined, key, 16 + call.length);
    partition.changes.writer.f64(dueAt);
    partition.changes.writer.f64(periodMs);
    partition.changes.writer.raw(call, 0, call.length);
  }

  private remove(partition: Partition, key: KeyBytes): boolean {
    const removed = tableOf(partition)?.delete(key) ?? false;
    if (removed && partition.changes.enabled) partition.changes.delete(PREFIX, undefined, key);
    return removed;
  }
}

function encodeCall(type: string, key: string, handler: string, args: readonly unknown[]): Uint8Array {
  const writer = PackWriter.growing();
  writeValue(writer, [type, key, handler, args]);
  return writer.written().slice();
}

interface StoredCall {
  readonly type: string;
  readonly key: string;
  readonly handler: string;
  readonly args: readonly unknown[];
}

function decodeCall(heap: Heap, record: number): StoredCall {
  const length = readByteLength(heap, record, CALL);
  const offset = readByteOffset(heap, record, CALL);
  const [type, key, handler, args] = readValue(new PackReader(heap.u8, offset, offset + length)) as [
    string,
    string,
    string,
    unknown[],
  ];
  return { type, key, handler, args };
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(REMINDER_ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}

function ensureTable(partition: Partition): HotMap {
  const table = tableOf(partition);
  if (table !== undefined) return table;
  partition.heap.publish(partition.heap.root(REMINDER_ROOT), HotMap.create(partition.heap));
  return tableOf(partition) as HotMap;
}
