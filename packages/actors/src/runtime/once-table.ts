/**
 * Answers of commands that came with an idempotency key, kept for a window: a retry with the key gets the first answer and
 * changes nothing. Stored in the same turn as the command's changes, in the heap and as a row, so it holds across the death
 * of the thread and, where the state is durable, of the process.
 */
import { createHash } from 'node:crypto';
import {
  type Clock,
  HotMap,
  IndexScan,
  type KeyBytes,
  KeyScratch,
  OnceConflictError,
  OutcomeUnknownError,
  type PackReader,
  PackWriter,
  RecordDraft,
  RecordShape,
  readByteLength,
  readByteOffset,
  readF64,
  readI32,
  writeValue,
  xxh32,
} from '@spacegrid/core';
import { ONCE, type ThreadCounters } from '../control/counters.ts';
import { STATUS_VALUE } from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import { SYSTEM_ONCE } from '../state/row-keys.ts';
import { type SystemTable, writeBytes } from '../state/system-table.ts';
import type { Partition } from './partition.ts';
import type { TurnOwner } from './turn-owner.ts';
import type { OnceMark } from './turn-services.ts';
import type { Caller } from './turn-runner.ts';

export const ONCE_ROOT = 1;
const SHAPE = new RecordShape([
  { name: 'reply', kind: 'packed' },
  { name: 'call', kind: 'i32' },
  { name: 'expiresAt', kind: 'f64' },
  { name: 'sequence', kind: 'f64' },
]);
const REPLY = SHAPE.fieldOrThrow('reply');
const CALL = SHAPE.fieldOrThrow('call');
const EXPIRES_AT = SHAPE.fieldOrThrow('expiresAt');
const SEQUENCE = SHAPE.fieldOrThrow('sequence');
const PREFIX = Uint8Array.of(0, SYSTEM_ONCE);
/** Its rows: call hash, end of the window, sequence, answer. */
export const ONCE_ROWS: SystemTable = {
  root: ONCE_ROOT,
  system: SYSTEM_ONCE,
  shape: SHAPE,
  write(row, heap, record) {
    row.i32(readI32(heap, record, CALL));
    row.f64(readF64(heap, record, EXPIRES_AT));
    row.f64(readF64(heap, record, SEQUENCE));
    writeBytes(row, heap, record, REPLY);
  },
  draft(draft, row) {
    draft.setInt(CALL, row.i32());
    draft.setF64(EXPIRES_AT, row.f64());
    draft.setF64(SEQUENCE, row.f64());
    draft.setBytes(REPLY, row.raw(row.end - row.at));
  },
};
/** Longer identities are stored by their SHA-256. */
const IDENTITY_UNITS_MAX = 300;
const SWEEP_ENTRIES = 128;

/** What stands in the place of an answer while the command is under way. */
const UNDER_WAY = new Uint8Array(0);

export type ReplySender = (
  partition: Partition,
  caller: Caller,
  status: number,
  sequence: number,
  bytes: Uint8Array,
  from: number,
  length: number,
) => void;

export class OnceTable {
  private readonly keys: KeyScratch;
  private readonly clock: Clock;
  private readonly windowMs: number;
  private readonly counters: ThreadCounters;
  private readonly send: ReplySender;
  private readonly draft = new RecordDraft(SHAPE);
  private readonly scan = new IndexScan(SWEEP_ENTRIES);
  private readonly cursors = new Map<Partition, number>();

  constructor(hashSeed: number, clock: Clock, windowMs: number, counters: ThreadCounters, send: ReplySender) {
    this.keys = new KeyScratch(hashSeed);
    this.clock = clock;
    this.windowMs = windowMs;
    this.counters = counters;
    this.send = send;
  }

  /** Answers a retry. False when the key is new. Throws OnceConflictError when it was used for another call. */
  replay(
    activation: TurnOwner,
    handler: CompiledHandler,
    once: string,
    args: readonly unknown[],
    caller: Caller,
  ): boolean {
    const { partition } = activation;
    const table = tableOf(partition);
    if (table === undefined) return false;
    const { heap } = partition;
    const record = table.find(this.keys.set(identityOf(activation, once)));
    if (record === 0 || readF64(heap, record, EXPIRES_AT) <= this.clock.now()) return false;
    if (readI32(heap, record, CALL) !== callHash(handler, args)) {
      throw new OnceConflictError(
        `the once key "${once}" was used for another call of ${activation.layout.type.name} "${activation.key}"`,
      );
    }
    this.counters.add(ONCE, 1);
    const length = readByteLength(heap, record, REPLY);
    if (length === 0) {
      throw new OutcomeUnknownError(
        `a call of ${activation.layout.type.name} "${activation.key}" with the once key "${once}" was cut off after steps of it were committed: they stay, and it is not run again`,
      );
    }
    this.send(
      partition,
      caller,
      STATUS_VALUE,
      readF64(heap, record, SEQUENCE),
      heap.u8,
      readByteOffset(heap, record, REPLY),
      length,
    );
    return true;
  }

  /** What the command's turn does with its result before it commits. */
  remember(
    activation: TurnOwner,
    handler: CompiledHandler,
    once: string,
    args: readonly unknown[],
  ): (result: unknown) => void {
    const identity = identityOf(activation, once);
    const call = callHash(handler, args);
    return (result) => {
      const { partition } = activation;
      const writer = PackWriter.growing();
      writeValue(writer, result);
      this.store(
        partition,
        this.keys.set(identity),
        writer.written(),
        call,
        this.clock.now() + this.windowMs,
        partition.heap.sequence() + 1,
      );
    };
  }

  /**
   * For a command that may commit steps: what it does in the turn of its first one, so that a retry after the death of its
   * thread or process does not run it again, and in the turn of its failure, after which a retry may.
   */
  underWay(activation: TurnOwner, handler: CompiledHandler, once: string, args: readonly unknown[]): OnceMark {
    const identity = identityOf(activation, once);
    const { partition } = activation;
    let isMarked = false;
    return {
      mark: () => {
        isMarked = true;
        const expiresAt = this.clock.now() + this.windowMs;
        const sequence = partition.heap.sequence() + 1;
        this.store(partition, this.keys.set(identity), UNDER_WAY, callHash(handler, args), expiresAt, sequence);
      },
      forget: () => {
        if (!isMarked) return;
        const key = this.keys.set(identity);
        if (tableOf(partition)?.delete(key) === true && partition.changes.enabled)
          partition.changes.delete(PREFIX, undefined, key);
      },
    };
  }

  /** Forgets some answers whose window is over, in a turn of their own. True when it did. */
  sweep(partition: Partition): boolean {
    const table = tableOf(partition);
    if (table === undefined || table.size === 0) return false;
    const { heap } = partition;
    const nowMs = this.clock.now();
    const next = table.scan(this.scan, this.cursors.get(partition) ?? 0);
    this.cursors.set(partition, next);
    const overdue: string[] = [];
    for (let index = 0; index < this.scan.count; index++) {
      const record = this.scan.refs[index] as number;
      if (readF64(heap, record, EXPIRES_AT) <= nowMs) overdue.push(table.keyOf(record));
    }
    if (overdue.length === 0) return false;
    return partition.internalTurn(() => {
      for (const identity of overdue) {
        const key = this.keys.set(identity);
        if (table.delete(key) && partition.changes.enabled) partition.changes.delete(PREFIX, undefined, key);
      }
    });
  }

  /** Restores an answer from its row, or takes it away. In a bracket. */
  restore(partition: Partition, key: KeyBytes, row: PackReader | undefined): void {
    if (row === undefined) {
      tableOf(partition)?.delete(key);
      return;
    }
    const call = row.i32();
    // Counted from the restart: while the process was down nobody could retry, and stored messages leave again now.
    const expiresAt = Math.max(row.f64(), this.clock.now() + this.windowMs);
    const sequence = row.f64();
    this.fill(row.raw(row.end - row.at), call, expiresAt, sequence);
    ensureTable(partition).put(key, this.draft);
  }

  private store(
    partition: Partition,
    key: KeyBytes,
    reply: Uint8Array,
    call: number,
    expiresAt: number,
    sequence: number,
  ): void {
    this.fill(reply, call, expiresAt, sequence);
    ensureTable(partition).put(key, this.draft);
    partition.writes++;
    const { changes } = partition;
    if (!changes.enabled) return;
    changes.put(PREFIX, undefined, key, 20 + reply.length);
    changes.writer.i32(call);
    changes.writer.f64(expiresAt);
    changes.writer.f64(sequence);
    changes.writer.raw(reply, 0, reply.length);
  }

  private fill(reply: Uint8Array, call: number, expiresAt: number, sequence: number): void {
    this.draft.reset();
    this.draft.setBytes(REPLY, reply);
    this.draft.setInt(CALL, call);
    this.draft.setF64(EXPIRES_AT, expiresAt);
    this.draft.setF64(SEQUENCE, sequence);
  }
}

function identityOf(activation: TurnOwner, once: string): string {
  const identity = `${activation.layout.type.name}\u0000${activation.key}\u0000${once}`;
  return identity.length <= IDENTITY_UNITS_MAX ? identity : createHash('sha256').update(identity).digest('base64');
}

function callHash(handler: CompiledHandler, args: readonly unknown[]): number {
  const writer = PackWriter.growing();
  writeValue(writer, [handler.name, args]);
  return xxh32(writer.bytes, 0, writer.at, 0);
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(ONCE_ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}

function ensureTable(partition: Partition): HotMap {
  const table = tableOf(partition);
  if (table !== undefined) return table;
  partition.heap.publish(partition.heap.root(ONCE_ROOT), HotMap.create(partition.heap));
  return tableOf(partition) as HotMap;
}
