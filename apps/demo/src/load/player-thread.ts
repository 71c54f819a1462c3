/** Simulated players in a thread of their own: a client of the grid through the public API, open loop at a rate. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachGrid } from '@spacegrid/actors';
import { Leaderboard } from '../actors.ts';
import { createBuckets, record } from './latency-buckets.ts';
import type { LoadOrder, LoadReport, LoadThreadData } from './load-messages.ts';

const data = workerData as LoadThreadData;
const REPORT_MS = 500;
const TICK_MS = 5;
/** Bound: submits under way. */
const WINDOW = 512;

const grid = await attachGrid(data.grid);
const board = grid.actor(Leaderboard, data.board);
let latencies = createBuckets();
let acknowledged = 0;
let sent = 0;
let failed = 0;
let submits = 0;
let underWay = 0;
let stopping = false;
let wake: (() => void) | undefined;
let random = data.seed | 1;

parentPort?.on('message', (order: LoadOrder) => {
  if (order.kind === 'report') {
    report(order.id);
    return;
  }
  stopping = true;
  wake?.();
});

function next(): number {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return (random >>> 0) / 4_294_967_296;
}

function play(): void {
  // A few players are far more active than the rest.
  const player = `player ${Math.floor(next() ** 3 * data.players) + 1}`;
  const points = 1 + Math.floor(next() * 20);
  const startedAt = performance.now();
  underWay++;
  submits++;
  sent += points;
  board.play(player, points).then(
    () => {
      acknowledged += points;
      settle(startedAt);
    },
    () => {
      failed++;
      settle(startedAt);
    },
  );
}

function settle(startedAt: number): void {
  underWay--;
  record(latencies, performance.now() - startedAt);
  if (underWay === WINDOW - 1 || (stopping && underWay === 0)) wake?.();
}

function report(id: number): void {
  const message: LoadReport = { id, acknowledged, sent, failed, latencies };
  parentPort?.postMessage(message);
  latencies = createBuckets();
}

const reporting = setInterval(() => report(0), REPORT_MS);
const startedAt = performance.now();
while (!stopping) {
  if (data.ratePerSecond === null) {
    while (underWay < WINDOW) play();
  } else {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * data.ratePerSecond);
    for (let missing = due - submits; missing > 0 && underWay < WINDOW; missing--) play();
  }
  await new Promise<void>((resolve) => {
    wake = resolve;
    if (data.ratePerSecond !== null) setTimeout(resolve, TICK_MS);
  });
}
while (underWay > 0) {
  await new Promise<void>((resolve) => {
    wake = resolve;
  });
}
clearInterval(reporting);
report(0);
await grid.close();
parentPort?.close();
