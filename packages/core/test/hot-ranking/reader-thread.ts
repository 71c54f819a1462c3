/** Reads rankings under pins as fast as it can, and counts what must not be. Started by the stress test. */
import { workerData } from 'node:worker_threads';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { ReaderPin } from '../../src/memory/pins.ts';
import { StaleReadError } from '../../src/memory/stale-read-error.ts';
import type { RankedEntry } from '../../src/structures/hot-ranking/entry-walk.ts';
import { ROOT } from '../../src/structures/hot-ranking/ranking-header.ts';
import { RankingReader } from '../../src/structures/hot-ranking/ranking-reader.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { type ReaderThreadData, ReaderResults } from '../memory/reader-threads.ts';
import {
  AGREEMENTS,
  BUSY,
  DROPPED,
  ENTRIES,
  HASH_SEED,
  MEMBERS,
  memberName,
  numberOfMember,
  RANKINGS,
  REMAINDERS,
  SNAPSHOTS,
  STABLE_MEMBERS,
  TORN,
} from './watched-ranking.ts';

const data = workerData as ReaderThreadData & { readonly headers: readonly number[] };
const results = new ReaderResults(data);
const heap = new Heap(data.heap);
const rankings = data.headers.map((header) => new RankingReader(heap, header, new KeyScratch(HASH_SEED)));
const pin = new ReaderPin(heap, data.slot);
const random = new SeededRandom(data.seed + data.slot);
let torn = '';
let entriesSeen = 0;
let agreements = 0;

/** Consecutive entries, the first of all when `isTop`: sorted, ranked, and each the record of its member. */
function checkEntries(kind: number, entries: readonly RankedEntry[], isTop: boolean): void {
  const { order, ties } = RANKINGS[kind] ?? RANKINGS[0]!;
  entriesSeen += entries.length;
  /** The entry that the current tie begins with, and where it stands; −1 while that is out of sight. */
  let tieFrom = isTop ? 0 : -1;
  for (const [at, { rank, member, score }] of entries.entries()) {
    const number = numberOfMember(member);
    if (number < 0 || score % REMAINDERS !== number % REMAINDERS) {
      torn = `${member} does not have a score of ${score}`;
    }
    const before = entries[at - 1];
    if (before === undefined) {
      if (isTop ? rank !== 1 : !(rank >= 1)) torn = `the first entry has rank ${rank}`;
      continue;
    }
    const isTie = before.score === score;
    if (!isTie && before.score < score !== (order === 'asc')) torn = `${before.score} stands before ${score}`;
    // All names are ASCII: their bytes order as their letters do.
    if (isTie && ties !== 'first-to-reach' && before.member >= member) {
      torn = `${before.member} stands before ${member}`;
    }
    // Of competition ranks, the step from one tie to the next is the length of the first, when that was seen whole.
    const isStep = !isTie && ties === 'competition';
    const step = isStep ? at - tieFrom : isTie && (ties === 'competition' || ties === 'dense') ? 0 : 1;
    if (isStep && tieFrom < 0 ? rank <= before.rank : rank !== before.rank + step) {
      torn = `rank ${rank} of ${score} comes behind rank ${before.rank} of ${before.score}`;
    }
    if (!isTie) tieFrom = at;
  }
}

/** All entries of one snapshot: no stable member is missing, nobody is there twice, and the ranks start at 1. */
function readSnapshot(kind: number, ranking: RankingReader): void {
  const entries = ranking.page(0, MEMBERS * 2);
  checkEntries(kind, entries, true);
  const seen = new Uint8Array(MEMBERS);
  for (const { member } of entries) {
    const number = numberOfMember(member);
    if (seen[number] !== 0) torn = `${member} is listed twice`;
    seen[number] = 1;
  }
  for (let number = 0; number < STABLE_MEMBERS; number++) {
    if (seen[number] !== 1) torn = `member ${number} is not listed`;
  }
}

/** Answers of several calls, where the root is known to have stayed the same over them. */
function readAgreeing(kind: number, header: number, ranking: RankingReader): void {
  const member = memberName(random.below(STABLE_MEMBERS));
  const root = heap.load(header + ROOT);
  const rank = ranking.rank(member);
  const score = ranking.score(member);
  const count = ranking.count;
  const around = ranking.around(member, 2);
  const entry = ranking.entry(member);
  const own = score === undefined ? [] : ranking.rangeByScore(score, score);
  const ofRank = rank === undefined ? [] : ranking.range(rank, rank);
  const counted = score === undefined ? 0 : ranking.countBetween(score, score);
  const isSame = heap.load(header + ROOT) === root;
  if (rank === undefined || score === undefined || entry === undefined) torn = `member ${member} is not found`;
  if (!around.some((other) => other.member === member)) torn = `${member} is not around itself`;
  checkEntries(kind, around, false);
  checkEntries(kind, own, false);
  // Another score may have been published between two loads: the index is a word of its own.
  if (!isSame || entry?.score !== score) return;
  agreements++;
  if (entry?.rank !== rank) torn = `rank ${rank}, and in its entry ${entry?.rank}`;
  if (!own.some((other) => other.member === member && other.rank === rank)) torn = `${member} is not among its score`;
  if (!ofRank.some((other) => other.member === member && other.score === score)) torn = `${member} is not at its rank`;
  if (counted !== own.length) torn = `${counted} have score ${score}, and ${own.length} are listed`;
  if (count < STABLE_MEMBERS) torn = `only ${count} members`;
}

results.ready();
while (!results.isStopped) {
  torn = '';
  entriesSeen = 0;
  agreements = 0;
  const kind = random.below(rankings.length);
  const ranking = rankings[kind] as RankingReader;
  const isSnapshot = random.chance(10);
  let thrown: unknown;
  pin.enter();
  try {
    if (isSnapshot) readSnapshot(kind, ranking);
    else for (let count = 0; count < 8; count++) readAgreeing(kind, ranking.header, ranking);
  } catch (error) {
    thrown = error;
  }
  if (!pin.leave()) {
    results.add(DROPPED, 1);
  } else if (thrown instanceof StaleReadError) {
    // The writer was descheduled between the index word and the root word.
    results.add(BUSY, 1);
  } else {
    if (thrown !== undefined) throw new Error('a read threw though its pin held', { cause: thrown });
    if (torn !== '') {
      results.add(TORN, 1);
      throw new Error(`${JSON.stringify(RANKINGS[kind])}: ${torn}`);
    }
    results.add(SNAPSHOTS, isSnapshot ? 1 : 0);
    results.add(ENTRIES, entriesSeen);
    results.add(AGREEMENTS, agreements);
  }
}
