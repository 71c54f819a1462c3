/**
 * Micro-benchmark of HotRanking at a million members, one thread, no readers. Run:
 * `node --conditions=@spacegrid/source packages/core/bench/hot-ranking.ts [members] [ties]`
 */
import { KeyScratch } from '../src/hash/key-bytes.ts';
import { Heap } from '../src/memory/heap.ts';
import { createHeapBuffer } from '../src/memory/heap-layout.ts';
import { HotRanking } from '../src/structures/hot-ranking/hot-ranking.ts';
import type { RankingTies } from '../src/structures/hot-ranking/ranking-header.ts';

const members = Number(process.argv[2] ?? 1_000_000);
const ties = (process.argv[3] ?? 'first-to-reach') as RankingTies;
const seed = 1;
const heap = new Heap(createHeapBuffer({ maxBytes: 2 * 1024 ** 3 }));

let state = 42;
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

const names = Array.from({ length: members }, (_, number) => `player-${String(number).padStart(7, '0')}`);
const nameBytes = 14;
const bytes = Buffer.from(names.join(''));
const hashes = new Int32Array(members);
const key = new KeyScratch(seed);
for (let number = 0; number < members; number++) {
  hashes[number] = key.pointAndHash(bytes, number * nameBytes, nameBytes).hash;
}
function take(number: number): void {
  key.point(bytes, number * nameBytes, nameBytes, hashes[number] as number);
}

heap.begin();
const ranking = new HotRanking(heap, HotRanking.create(heap, { ties }), new KeyScratch(seed));
heap.commit();

function turn(run: () => void): void {
  heap.begin();
  run();
  heap.commit();
  heap.maintain(32);
}

function measure(name: string, count: number, run: (number: number) => void): void {
  const startedAt = performance.now();
  for (let number = 0; number < count; number++) run(number);
  const elapsedMs = performance.now() - startedAt;
  const rate = count / elapsedMs / 1000;
  console.log(
    `${name.padEnd(58)} ${((elapsedMs / count) * 1e6).toFixed(0).padStart(7)} ns ${rate.toFixed(3).padStart(8)} M/s ${(elapsedMs / 1000).toFixed(2)} s`,
  );
}

const order = Uint32Array.from({ length: members }, (_, number) => number);
for (let at = members - 1; at > 0; at--) {
  const other = Math.floor(random() * (at + 1));
  const kept = order[at] as number;
  order[at] = order[other] as number;
  order[other] = kept;
}

let at = 0;
let name = '';
let score = 0;
let sum = 0;
const any = (): number => Math.floor(random() * members);

const build = (): void => {
  ranking.setKey(key, score);
};
measure('build by random inserts, a turn each', members, (number) => {
  take(order[number] as number);
  score = Math.floor(random() * 1e6);
  turn(build);
});
while (heap.maintain(1024));
console.log(
  `memory: ${(heap.usedBytes() / 1e6).toFixed(1)} MB used, ranking accounts ${(ranking.bytes / 1e6).toFixed(1)} MB, ${(ranking.bytes / members).toFixed(1)} bytes a member`,
);

const submitKey = (): void => {
  sum += ranking.addKey(key, score);
  sum += ranking.rankKey(key);
};
const submit = (): void => {
  sum += ranking.add(name, score);
  sum += ranking.rank(name) ?? 0;
};
const update = (): void => {
  ranking.setKey(key, score);
};
const operations = Math.min(members, 500_000);
for (let round = 0; round < 3; round++) {
  measure('submit: add 1 to 1,000 and rank, key bytes', operations, () => {
    take(any());
    score = 1 + Math.floor(random() * 1000);
    turn(submitKey);
  });
  measure('submit: add 1 to 1,000 and rank, text', operations, () => {
    name = names[any()] as string;
    score = 1 + Math.floor(random() * 1000);
    turn(submit);
  });
  measure('set to a score anywhere, key bytes', operations, () => {
    take(any());
    score = Math.floor(random() * 1e6);
    turn(update);
  });
  measure('rank, key bytes', operations, () => {
    take(any());
    sum += ranking.rankKey(key);
  });
  measure('rank, text', operations, () => {
    sum += ranking.rank(names[any()] as string) ?? 0;
  });
  measure('score, key bytes', operations, () => {
    take(any());
    sum += ranking.scoreKey(key);
  });
  measure('top(10)', operations / 5, () => {
    sum += ranking.top(10).length;
  });
  measure('around(5)', operations / 5, () => {
    at = any();
    sum += ranking.around(names[at] as string, 5).length;
  });
  measure('countBetween', operations / 5, () => {
    const from = random() * 1e6;
    sum += ranking.countBetween(from, from + 1000);
  });
}
if (Number.isNaN(sum)) throw new Error('the sum is a number');
