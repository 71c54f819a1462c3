/** What commands and queries read of a ranking; one that was never written is empty. */
import type { RankingReader } from '@spacegrid/core';
import type { RankingEntry, RankingView } from '../define/state-views.ts';

export abstract class RankingQueries implements RankingView {
  get size(): number {
    return this.existing()?.count ?? 0;
  }

  score(member: string): number | undefined {
    return this.existing()?.score(member);
  }

  rank(member: string): number | undefined {
    return this.existing()?.rank(member);
  }

  top(count: number): RankingEntry[] {
    return this.existing()?.top(count) ?? [];
  }

  page(offset: number, limit: number): RankingEntry[] {
    return this.existing()?.page(offset, limit) ?? [];
  }

  around(member: string, count: number): RankingEntry[] {
    return this.existing()?.around(member, count) ?? [];
  }

  rangeByScore(min: number, max: number, options?: { offset?: number; limit?: number }): RankingEntry[] {
    return this.existing()?.rangeByScore(min, max, options) ?? [];
  }

  countBetween(min: number, max: number): number {
    return this.existing()?.countBetween(min, max) ?? 0;
  }

  /** The ranking as it stands now; undefined while it was never written. */
  protected abstract existing(): RankingReader | undefined;
}
