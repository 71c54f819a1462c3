/**
 * Compares one partition's memory with another side that holds it, and mends what differs. Runs in the verify thread.
 *
 * ```
 * begin      the side stands still: its rows, each with its checksum
 * scan       memory is read in slices, while turns go on
 * compare    range digests of the rows that did not change; where they differ, the rows' hashes;
 *            of rows that changed, whether memory had one of the values that they had meanwhile
 * judge      what is left, and what is damaged: a row at a time, by the partition's thread and the side at one sequence
 * mend       by turns of the partition, and by the side
 * ```
 */
import {
  differingKeys,
  RowPairs,
  type ReaderPin,
  type SideDigests,
  type SideScan,
  type VerifiedSide,
} from '@spacegrid/core';
import { parseRowKey } from '../state/row-keys.ts';
import { describeRow } from './describe-row.ts';
import type { JudgedRows, MendedRows, MendOrder, RowMending, RowQuestion } from './judged-rows.ts';
import type { MemoryRow, MemoryRows } from './memory-rows.ts';
import { type MemoryDamage, MemoryScan } from './memory-scan.ts';
import { type RowVerdict, verdictOf } from './row-verdict.ts';
import { isSameRow } from './same-row.ts';
import type { VerifyDifference, VerifyOutcome } from './verify-report.ts';

/** The partitions' threads, by way of the supervisor. */
export interface PartitionOwners {
  judge(question: RowQuestion): Promise<JudgedRows>;
  mend(mending: RowMending): Promise<MendedRows>;
}

export interface PartitionResult {
  readonly entries: number;
  readonly bytes: number;
  readonly rows: number;
  readonly differences: readonly VerifyDifference[];
  readonly damagedBatches: SideDigests['damagedBatches'];
}

export interface MendChoice {
  readonly repair: boolean;
  readonly trust: 'owner' | 'store' | undefined;
}

/** Rows judged at a time: some 0.1 ms of the partition's thread. */
const JUDGED_ROWS = 64;

interface Judged {
  readonly key: Uint8Array;
  readonly row: MemoryRow;
  readonly clears: number;
  readonly verdict: RowVerdict;
}

export class PartitionVerify {
  private readonly partition: number;
  private readonly memory: MemoryRows;
  private readonly pin: ReaderPin;
  private readonly side: VerifiedSide;
  private readonly owners: PartitionOwners;
  private readonly choice: MendChoice;
  private readonly rest: (workedMs: number) => Promise<void>;

  constructor(
    partition: number,
    memory: MemoryRows,
    pin: ReaderPin,
    side: VerifiedSide,
    owners: PartitionOwners,
    choice: MendChoice,
    rest: (workedMs: number) => Promise<void>,
  ) {
    this.partition = partition;
    this.memory = memory;
    this.pin = pin;
    this.side = side;
    this.owners = owners;
    this.choice = choice;
    this.rest = rest;
  }

  async run(): Promise<PartitionResult> {
    const { partition, side, memory } = this;
    const held = await side.begin(partition);
    try {
      const from = memory.heap.sequence();
      const scan = new MemoryScan(memory, this.pin, this.rest);
      await scan.run();
      const compared = await side.compare(partition, { from, to: memory.heap.sequence() });
      const keys = await this.suspects(scan, held, compared);
      const judged = await this.judge(keys, scan, held, compared);
      const differences = await this.mend(judged, blocksOf(scan), compared);
      const { damagedBatches } = compared;
      return { entries: scan.rows, bytes: scan.bytes, rows: held.rows, differences, damagedBatches };
    } finally {
      await side.end(partition);
    }
  }

  /** Keys of all rows that need a closer look. */
  private async suspects(scan: MemoryScan, held: SideScan, compared: SideDigests): Promise<Uint8Array[]> {
    const keys = new Map<string, Uint8Array>();
    const add = (key: Uint8Array): void => {
      keys.set(latin1(key), key);
    };
    for (const { key, isBlock } of scan.damages) if (!isBlock) add(key);
    for (const key of [...scan.doubtful, ...held.damaged.map((row) => row.key), ...compared.quarantined]) add(key);
    const hashes = new Set([...(await this.unchangedThatDiffer(scan, compared)), ...changedThatDiffer(scan, compared)]);
    if (hashes.size > 0) {
      const stored = await this.side.keysOf(this.partition, Uint32Array.from(hashes));
      for (const key of stored) if (!isOf(scan.apart, key)) add(key);
      const again = new MemoryScan(this.memory, this.pin, this.rest, hashes);
      await again.run();
      for (const key of again.found.values()) add(key);
    }
    return [...keys.values()].filter((key) => key.length > 0);
  }

  private async unchangedThatDiffer(scan: MemoryScan, { changed, digests }: SideDigests): Promise<number[]> {
    const own = scan.pairs.without(changed);
    const ranges = [...own.digests()].flatMap((digest, range) => (digest === digests[range] ? [] : [range]));
    if (ranges.length === 0) return [];
    const theirs = new RowPairs(await this.side.pairs(this.partition, ranges));
    const ours = new RowPairs(Uint32Array.from(ranges.flatMap((range) => [...own.range(range)])));
    return differingKeys(ours, theirs);
  }

  /** Asks both sides of each row at one sequence. */
  private async judge(
    keys: readonly Uint8Array[],
    scan: MemoryScan,
    held: SideScan,
    compared: SideDigests,
  ): Promise<Judged[]> {
    const { partition, side, owners } = this;
    const judged: Judged[] = [];
    const doubtful = new Set(scan.doubtful.map(latin1));
    const damagedPlaces = new Set(scan.damages.map(({ key, isBlock }) => placeOf(key, isBlock)));
    const quarantined = new Set(compared.quarantined.map(latin1));
    const isUnread = quarantined.has('') || compared.damagedBatches.length > 0;
    for (let from = 0; from < keys.length; from += JUDGED_ROWS) {
      const some = keys.slice(from, from + JUDGED_ROWS);
      const { rows, sequence, clears } = await owners.judge({ partition, keys: some });
      const states = await side.states(partition, { keys: some, sequence });
      for (const [index, key] of some.entries()) {
        const row = rows[index] as MemoryRow;
        const text = latin1(key);
        const isLost = doubtful.has(text) || damagedPlaces.has(placeOf(key, false));
        const verdict = verdictOf(row, states[index] as (typeof states)[number], {
          lostInMemory: isLost ? 'the row’s key does not lead to it' : undefined,
          lostInStore: isUnread
            ? 'changes that may be its last fail their checksum'
            : standsUnderDamagedKey(key, row, held)
              ? 'it stands under a key that fails its checksum'
              : undefined,
          quarantined: quarantined.has(text),
          isSame: (memory, stored) => isSameRow(key, memory, stored, this.isMember(key)),
        });
        if (verdict !== undefined) judged.push({ key, row, clears, verdict });
      }
    }
    return withoutFollowing(judged);
  }

  private async mend(
    judged: readonly Judged[],
    blocks: readonly MemoryDamage[],
    compared: SideDigests,
  ): Promise<VerifyDifference[]> {
    const { partition, owners, side, choice } = this;
    const outcomes = new Map<Judged, VerifyOutcome>();
    const rebuilt = new Map<MemoryDamage, VerifyOutcome>();
    const due = choice.repair ? judged.filter((one) => this.sideToChange(one) !== undefined) : [];
    const structures = choice.repair ? blocks.filter(({ key }) => this.isRanking(key)) : [];
    const unread = compared.quarantined.some((key) => key.length === 0);
    let sequence = 0;
    for (let from = 0; from < due.length || (from === 0 && structures.length > 0); from += JUDGED_ROWS) {
      const some = due.slice(from, from + JUDGED_ROWS);
      const mended = await owners.mend({
        partition,
        orders: some.map((one) => this.orderOf(one)),
        structures: from === 0 ? [...new Map(structures.map(({ key }) => [latin1(key), key])).values()] : [],
      });
      sequence = mended.sequence;
      for (const [index, one] of some.entries()) {
        const done: VerifyOutcome = this.sideToChange(one) === 'memory' ? 'repaired-memory' : 'repaired-store';
        outcomes.set(one, mended.orders[index] === true ? done : 'changed-meanwhile');
      }
      if (from === 0)
        for (const block of structures)
          rebuilt.set(block, mended.structures.every(Boolean) ? 'repaired-memory' : 'nothing');
    }
    const rows = due
      .filter((one) => one.verdict.store === 'damaged' && outcomes.get(one) === 'repaired-store')
      .map(({ key }) => key);
    const isAllMended = judged.every((one) => outcomes.get(one)?.startsWith('repaired') === true);
    if (rows.length > 0 || (unread && choice.repair && isAllMended))
      await side.mend(partition, { rows, batches: [], unread: unread && isAllMended, sequence });
    return [
      ...judged.map((one) => this.difference(one, outcomes.get(one) ?? 'nothing')),
      ...blocks.map((block) => this.blockDifference(block, rebuilt.get(block) ?? 'nothing')),
    ];
  }

  private sideToChange({ row, verdict }: Judged): 'memory' | 'store' | undefined {
    if (verdict.change !== undefined) return verdict.change;
    const { trust } = this.choice;
    if (trust === 'owner') return row.state === 'whole' || row.state === 'absent' ? 'store' : undefined;
    if (trust === 'store') return verdict.store === 'damaged' || row.state === 'elsewhere' ? undefined : 'memory';
    return undefined;
  }

  private orderOf(one: Judged): MendOrder {
    const { key, row, clears, verdict } = one;
    return { key, side: this.sideToChange(one) as 'memory' | 'store', expected: row, clears, value: verdict.stored };
  }

  private difference({ key, verdict }: Judged, outcome: VerifyOutcome): VerifyDifference {
    const { memory, store, reason, unclear } = verdict;
    return { partition: this.partition, ...describeRow(key), memory, store, unclear, reason, outcome };
  }

  private blockDifference({ key, damage }: MemoryDamage, outcome: VerifyOutcome): VerifyDifference {
    const unclear = !this.isRanking(key);
    const { partition } = this;
    return { partition, ...describeRow(key), memory: 'damaged', store: 'whole', unclear, reason: damage, outcome };
  }

  private isRanking(key: Uint8Array): boolean {
    const parsed = parseRowKey(key, 0, key.length);
    const slot = this.memory.layoutOf(parsed?.typeName)?.structureByName.get(parsed?.fieldName ?? '');
    return slot !== undefined && slot.entry === undefined;
  }

  private isMember(key: Uint8Array): boolean {
    return this.isRanking(key);
  }
}

/** Key hashes of changed rows of which memory had a value that they never had meanwhile. */
function changedThatDiffer({ pairs }: MemoryScan, { changed, allowed, absent }: SideDigests): number[] {
  const values = new RowPairs(allowed);
  const mayBeAbsent = new Set(absent);
  const differing: number[] = [];
  for (const keyHash of changed) {
    let at = pairs.find(keyHash);
    if (at < 0 && !mayBeAbsent.has(keyHash)) differing.push(keyHash);
    for (; at >= 0 && at < pairs.size && pairs.keyHash(at) === keyHash; at++)
      if (!values.has(keyHash, pairs.valueHash(at))) differing.push(keyHash);
  }
  return differing;
}

/** Whether the row belongs to one of these actors. */
function isOf(actors: ReadonlySet<string>, key: Uint8Array): boolean {
  if (actors.size === 0) return false;
  const parsed = parseRowKey(key, 0, key.length);
  return parsed?.typeName !== undefined && actors.has(latin1(key.subarray(0, parsed.keyEnd)));
}

/** Damage of blocks, each once. */
function blocksOf({ damages }: MemoryScan): MemoryDamage[] {
  const blocks = damages.filter(({ isBlock }) => isBlock);
  return [...new Map(blocks.map((block) => [`${latin1(block.key)} ${block.damage}`, block])).values()];
}

/** What an actor's structures hold is compared once its own record, which refers to them, is right. */
function withoutFollowing(judged: readonly Judged[]): Judged[] {
  const actors = new Set<string>();
  for (const { key, verdict } of judged) {
    const parsed = parseRowKey(key, 0, key.length);
    if (parsed?.fieldName === undefined && verdict.memory === 'damaged')
      actors.add(latin1(key.subarray(0, parsed?.keyEnd)));
  }
  return judged.filter(({ key }) => {
    const parsed = parseRowKey(key, 0, key.length);
    const follows = parsed?.fieldName !== undefined && actors.has(latin1(key.subarray(0, parsed.keyEnd)));
    return !follows;
  });
}

/** What rows of one structure, or of one kind, have in common. */
function placeOf(key: Uint8Array, isStructure: boolean): string {
  const parsed = isStructure ? undefined : parseRowKey(key, 0, key.length);
  if (parsed === undefined) return latin1(key);
  if (parsed.typeName === undefined) return latin1(key.subarray(0, 2));
  const end = parsed.fieldName === undefined ? 1 + parsed.typeName.length : parsed.entryStart;
  return latin1(key.subarray(0, end));
}

/** A row whose own key changed by a byte in the store: what it holds stands under another key. */
function standsUnderDamagedKey(key: Uint8Array, row: MemoryRow, { damaged }: SideScan): boolean {
  if (row.state !== 'whole') return false;
  return damaged.some(
    (other) =>
      other.key.length === key.length &&
      Buffer.compare(other.value, row.value as Uint8Array) === 0 &&
      other.key.reduce((count, byte, index) => count + (byte === key[index] ? 0 : 1), 0) === 1,
  );
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
