/**
 * Builds a damaged ranking anew from the records that are whole, whichever of tree and index leads to them, and from what the
 * store holds of the others. The old blocks are left to themselves: their references can't be believed, so none is freed.
 *
 * Writer only, between turns: `prepare` works in brackets of its own, `publish` in the turn that mends. It keeps the thread for
 * some 0.5 µs a member.
 */
import { KeyScratch } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { TolerantScan } from '../hash-index/tolerant-scan.ts';
import { damageOfKeyed } from '../hot-map/check-record.ts';
import { keyBytesOf, MEMBER_AT, MEMBER_FORM, newMemberRecord } from './member-record.ts';
import { RankingBuilder } from './ranking-builder.ts';
import { type CheckCursor, damageMet, RankingCheck } from './ranking-check.ts';
import { MEMBER_INDEX } from './ranking-header.ts';

/** What a member is to be; without a standing it is to be absent. */
export interface MendedMember {
  readonly member: Uint8Array;
  readonly standing: { readonly score: number; readonly arrival: number } | undefined;
}

const STEP = 4096;

export class RankingMend {
  private readonly heap: Heap;
  private readonly header: number;
  private readonly hashSeed: number;
  private readonly builder: RankingBuilder;
  /** Record of each member, by its bytes as latin-1 text, which compares as they do. */
  private readonly records: Map<string, number>;
  private root: number;

  constructor(heap: Heap, header: number, hashSeed: number) {
    this.heap = heap;
    this.header = header;
    this.hashSeed = hashSeed;
    this.builder = new RankingBuilder(heap, header, true);
    this.records = new Map();
    this.root = 0;
  }

  /** `before` and `after` bracket each step. */
  prepare(mended: readonly MendedMember[], before: () => void, after: () => void): void {
    this.gather();
    const keys = new KeyScratch(this.hashSeed);
    for (const { member, standing } of mended) {
      const text = Buffer.from(member.buffer, member.byteOffset, member.length).toString('latin1');
      if (standing === undefined) {
        this.records.delete(text);
        continue;
      }
      before();
      const key = keys.pointAndHash(member, 0, member.length);
      this.records.set(text, newMemberRecord(this.heap, key, standing.score, standing.arrival));
      after();
    }
    for (const text of [...this.records.keys()].sort()) {
      before();
      this.builder.takeRecord(this.records.get(text) as number);
      after();
    }
    this.root = this.builder.build(before, after);
  }

  /** In a turn. */
  publish(): void {
    this.builder.publish(this.root);
  }

  private gather(): void {
    const { heap, header, hashSeed } = this;
    const scan = new TolerantScan(STEP);
    damageMet(() => {
      let cursor = 0;
      do {
        cursor = scan.next(heap, header + MEMBER_INDEX, cursor, MEMBER_AT);
        for (let index = 0; index < scan.count; index++) this.note(scan.refs[index] as number, true);
      } while (cursor !== 0);
      return undefined;
    });
    damageMet(() => {
      const check = new RankingCheck(heap, header, hashSeed);
      const at: CheckCursor = { position: 0, lastKey: 0, root: 0 };
      let more = true;
      while (more)
        more = check.step(
          at,
          STEP,
          (record) => this.note(record, false),
          () => undefined,
        );
      return undefined;
    });
  }

  private note(record: number, isIndexed: boolean): void {
    const { heap } = this;
    if (record === 0 || damageOfKeyed(heap, record, MEMBER_FORM, this.hashSeed) !== undefined) return;
    const from = (record + MEMBER_AT) * 4;
    const text = Buffer.from(heap.buffer as unknown as ArrayBuffer, from, keyBytesOf(heap.i32, record)).toString(
      'latin1',
    );
    if (isIndexed || !this.records.has(text)) this.records.set(text, record);
  }
}
