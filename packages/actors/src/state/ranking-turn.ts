/** A ranking as a command sees it. Made when first written; every change is recorded as a row. */
import { HotRanking, type KeyScratch } from '@spacegrid/core';
import type { RankingField } from '../define/state-fields.ts';
import type { RankingTurn } from '../define/state-views.ts';
import { RankingQueries } from './ranking-queries.ts';
import type { StructureSlot } from './state-layout.ts';
import type { StateOwner } from './state-owner.ts';

const ROW_BYTES = 16;

export class RankingTurnFacade extends RankingQueries implements RankingTurn {
  private readonly owner: StateOwner;
  private readonly slot: StructureSlot;
  private readonly keys: KeyScratch;
  private ranking: HotRanking | undefined;

  constructor(owner: StateOwner, slot: StructureSlot) {
    super();
    this.owner = owner;
    this.slot = slot;
    this.keys = owner.partition.scratch;
    this.ranking = undefined;
  }

  set(member: string, score: number): number {
    this.owner.assertWritable();
    const ranking = this.writable();
    const key = this.keys.set(member);
    if (ranking.setKey(key, score)) this.record(ranking);
    return score;
  }

  add(member: string, delta: number): number {
    this.owner.assertWritable();
    const ranking = this.writable();
    const sum = ranking.addKey(this.keys.set(member), delta);
    this.record(ranking);
    return sum;
  }

  remove(member: string): boolean {
    this.owner.assertWritable();
    const ranking = this.existing();
    if (ranking === undefined) return false;
    const key = this.keys.set(member);
    if (!ranking.removeKey(key)) return false;
    const { changes } = this.owner.partition;
    if (changes.enabled) changes.delete(this.owner.prefix, this.slot.tag, key);
    return true;
  }

  clear(): void {
    this.owner.assertWritable();
    const ranking = this.existing();
    if (ranking === undefined) return;
    ranking.clear();
    const { changes } = this.owner.partition;
    if (changes.enabled) changes.clear(this.owner.prefix, this.slot.tag);
  }

  protected override existing(): HotRanking | undefined {
    const header = this.owner.header(this.slot);
    if (header === 0) return undefined;
    if (this.ranking === undefined || this.ranking.header !== header) {
      this.ranking = new HotRanking(this.owner.partition.heap, header, this.keys);
    }
    return this.ranking;
  }

  private writable(): HotRanking {
    const ranking = this.existing();
    if (ranking !== undefined) return ranking;
    const { order, ties } = this.slot.field as RankingField;
    this.owner.setHeader(this.slot, HotRanking.create(this.owner.partition.heap, { order, ties }));
    return this.existing() as HotRanking;
  }

  private record(ranking: HotRanking): void {
    const { changes } = this.owner.partition;
    if (!changes.enabled) return;
    const record = ranking.written;
    changes.put(this.owner.prefix, this.slot.tag, this.keys, ROW_BYTES);
    changes.writer.f64(ranking.scoreOf(record));
    changes.writer.f64(ranking.arrivalOf(record));
  }
}
