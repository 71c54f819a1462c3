/** What a ranking should answer, from a plain sorted array. */
import type { RankedEntry } from '../../src/structures/hot-ranking/entry-walk.ts';
import type { RankingOrder, RankingTies } from '../../src/structures/hot-ranking/ranking-header.ts';

interface Standing {
  readonly member: string;
  readonly bytes: Buffer;
  readonly score: number;
  readonly arrival: number;
}

export class RankingModel {
  private readonly order: RankingOrder;
  private readonly ties: RankingTies;
  private readonly standings: Map<string, Standing>;
  private nextArrival: number;
  private listed: RankedEntry[] | undefined;
  private sorted: Standing[];

  constructor(order: RankingOrder, ties: RankingTies) {
    this.order = order;
    this.ties = ties;
    this.standings = new Map();
    this.nextArrival = 0;
    this.listed = undefined;
    this.sorted = [];
  }

  copy(): RankingModel {
    const copy = new RankingModel(this.order, this.ties);
    for (const [member, standing] of this.standings) copy.standings.set(member, standing);
    copy.nextArrival = this.nextArrival;
    copy.listed = this.listed;
    copy.sorted = [...this.sorted];
    return copy;
  }

  get count(): number {
    return this.standings.size;
  }

  set(member: string, score: number): boolean {
    if (this.standings.get(member)?.score === score + 0) return false;
    this.put(member, score + 0, this.nextArrival);
    return true;
  }

  add(member: string, delta: number): number {
    const sum = (this.standings.get(member)?.score ?? 0) + delta + 0;
    this.set(member, sum);
    return sum;
  }

  restore(member: string, score: number, arrival: number): void {
    this.put(member, score + 0, arrival);
  }

  remove(member: string): boolean {
    const standing = this.standings.get(member);
    if (standing === undefined) return false;
    this.sorted.splice(this.placeOf(standing), 1);
    this.listed = undefined;
    return this.standings.delete(member);
  }

  clear(): void {
    this.standings.clear();
    this.sorted = [];
    this.listed = undefined;
  }

  score(member: string): number | undefined {
    return this.standings.get(member)?.score;
  }

  arrival(member: string): number | undefined {
    return this.standings.get(member)?.arrival;
  }

  rank(member: string): number | undefined {
    return this.entries()[this.position(member)]?.rank;
  }

  slice(from: number, to: number): RankedEntry[] {
    return this.entries().slice(from, to);
  }

  range(first: number, last: number): RankedEntry[] {
    return this.entries().filter((entry) => entry.rank >= first && entry.rank <= last);
  }

  rangeByScore(min: number, max: number): RankedEntry[] {
    return this.entries().filter((entry) => entry.score >= min && entry.score <= max);
  }

  around(member: string, n: number): RankedEntry[] {
    const position = this.position(member);
    return position < 0 ? [] : this.entries().slice(Math.max(0, position - n), position + n + 1);
  }

  entries(): RankedEntry[] {
    if (this.listed !== undefined) return this.listed;
    const entries: RankedEntry[] = [];
    let rank = 0;
    for (const [position, { member, score }] of this.sorted.entries()) {
      if (this.ties === 'competition' || this.ties === 'dense') {
        if (position === 0 || this.sorted[position - 1]?.score !== score)
          rank = this.ties === 'dense' ? rank + 1 : position + 1;
      } else {
        rank = position + 1;
      }
      entries.push({ rank, member, score });
    }
    this.listed = entries;
    return entries;
  }

  private put(member: string, score: number, arrival: number): void {
    this.remove(member);
    const standing = { member, bytes: Buffer.from(member), score, arrival };
    this.sorted.splice(this.placeOf(standing), 0, standing);
    this.standings.set(member, standing);
    this.nextArrival = Math.max(this.nextArrival, arrival + 1);
    this.listed = undefined;
  }

  private position(member: string): number {
    const standing = this.standings.get(member);
    return standing === undefined ? -1 : this.placeOf(standing);
  }

  private placeOf(standing: Standing): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(this.sorted[middle] as Standing, standing) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compare(a: Standing, b: Standing): number {
    if (a.score !== b.score) return a.score < b.score === (this.order === 'asc') ? -1 : 1;
    if (this.ties === 'first-to-reach' && a.arrival !== b.arrival) return a.arrival - b.arrival;
    return Buffer.compare(a.bytes, b.bytes);
  }
}
