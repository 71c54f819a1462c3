/**
 * What a record's stamp word says of its accesses. Reader threads change it without a lock: one of two at the same time may be
 * lost, which puts off nothing and evicts nothing that matters.
 */

export interface AccessStamps {
  /** The stamp of an entry that is new. */
  fresh(nowMs: number): number;
  /** The stamp after one more access; often the same, and then nothing is stored. */
  accessed(stamp: number, nowMs: number): number;
  /** When the last access was, in wall-clock milliseconds: at most `stepMs` before it really was. */
  accessedAt(stamp: number, nowMs: number): number;
  /** The higher, the sooner an entry is evicted. */
  rank(stamp: number, nowMs: number): number;
}

const RECENCY_STEP_MS = 62.5;

/**
 * By the time of the last access, in sixteenths of a second modulo 2³²: exact for entries idle for less than four years. Whole
 * seconds would tell nothing apart in a map that turns over within one; an entry's line is still written 16 times a second at most.
 */
export const recencyStamps: AccessStamps = Object.freeze({
  fresh: recencyNow,
  accessed(_stamp: number, nowMs: number): number {
    return recencyNow(nowMs);
  },
  accessedAt(stamp: number, nowMs: number): number {
    return (Math.floor(nowMs / RECENCY_STEP_MS) - recencyAge(stamp, nowMs)) * RECENCY_STEP_MS;
  },
  rank: recencyAge,
});

function recencyNow(nowMs: number): number {
  return Math.floor(nowMs / RECENCY_STEP_MS) | 0;
}

/** Negative where another thread's clock was ahead. */
function recencyAge(stamp: number, nowMs: number): number {
  return (recencyNow(nowMs) - stamp) | 0;
}

const COUNT_MASK = 0xff;
const COUNT_MAX = 255;
/** What a new entry has, so that it does not go before it could be read a second time. */
const COUNT_FRESH = 5;
/** How much rarer each further count becomes: 255 stand for some 10⁶ accesses. */
const COUNT_FACTOR = 10;
/** An entry loses one count for each minute without access. */
const DECAY_MS = 60_000;

/**
 * By how often an entry is accessed: 8 bits of a logarithmic counter (Morris, 1978, as in Redis), and 24 bits of the second of
 * the last access, by which the counter ages. Exact for entries idle for less than 97 days.
 */
export const frequencyStamps: AccessStamps = Object.freeze({
  fresh(nowMs: number): number {
    return (seconds(nowMs) << 8) | COUNT_FRESH;
  },
  accessed(stamp: number, nowMs: number): number {
    let count = agedCount(stamp, nowMs);
    const above = Math.max(0, count - COUNT_FRESH);
    if (count < COUNT_MAX && Math.random() * (above * COUNT_FACTOR + 1) < 1) count++;
    return (seconds(nowMs) << 8) | count;
  },
  accessedAt(stamp: number, nowMs: number): number {
    return (seconds(nowMs) - frequencyAge(stamp, nowMs)) * 1000;
  },
  rank(stamp: number, nowMs: number): number {
    // Of those that are used as seldom, the one that was not used for longest.
    return COUNT_MAX - agedCount(stamp, nowMs) + frequencyAge(stamp, nowMs) / 2 ** 24;
  },
});

function seconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

function frequencyAge(stamp: number, nowMs: number): number {
  // Both by their low 24 bits, the difference with its sign.
  return ((seconds(nowMs) - (stamp >>> 8)) << 8) >> 8;
}

function agedCount(stamp: number, nowMs: number): number {
  const minutes = Math.floor(Math.max(0, frequencyAge(stamp, nowMs) * 1000) / DECAY_MS);
  return Math.max(0, (stamp & COUNT_MASK) - minutes);
}
