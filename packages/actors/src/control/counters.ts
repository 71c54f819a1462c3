/** Counters in shared memory, one line for each thread: written by that thread alone, read by anyone without stopping it. */
import type { ControlBlock } from './control-block.ts';

export const COUNTERS = [
  'commands',
  'queries',
  'errors',
  'undone',
  'queued',
  'activations',
  'busyMicros',
  'messages',
  'peeks',
  'peekRetries',
  'peekHits',
  'calls',
  'watches',
  'once',
  'remindersFired',
  'refused',
  'expirations',
  'evictionsLru',
  'evictionsLfu',
  'mapHits',
  'mapMisses',
  'loads',
  'loadFailures',
  'loadMicros',
  'unloads',
  'actorsLoaded',
  'actorsUnloaded',
] as const;

export type CounterName = (typeof COUNTERS)[number];

/** A thread's own line: plain adds (single writer); readers may be a moment behind. Counters wrap at 2³². */
export class ThreadCounters {
  readonly words: Int32Array;
  readonly base: number;

  constructor(control: ControlBlock, thread: number) {
    this.words = control.shared.words;
    this.base = control.counters(thread);
  }

  add(counter: number, amount: number): void {
    const index = this.base + counter;
    this.words[index] = ((this.words[index] as number) + amount) | 0;
  }

  set(counter: number, value: number): void {
    this.words[this.base + counter] = value | 0;
  }

  max(counter: number, value: number): void {
    const index = this.base + counter;
    if (value > (this.words[index] as number)) this.words[index] = value;
  }
}

export const COMMANDS = 0;
export const QUERIES = 1;
export const ERRORS = 2;
export const UNDONE = 3;
export const QUEUED = 4;
export const ACTIVATIONS = 5;
export const BUSY_MICROS = 6;
/** Messages that turns have sent to other actors, each time they left. */
export const MESSAGES = 7;
export const PEEKS = 8;
export const PEEK_RETRIES = 9;
export const PEEK_HITS = 10;
export const CALLS = 11;
export const WATCHES = 12;
export const ONCE = 13;
export const REMINDERS_FIRED = 14;
export const REFUSED = 15;
/** Entries of maps removed since they expired, and those evicted, in turns that are committed. */
export const EXPIRATIONS = 16;
export const EVICTIONS_LRU = 17;
export const EVICTIONS_LFU = 18;
/** Reads by key of maps that expire or evict, in commands, queries and peeks, that found the entry, or did not. */
export const MAP_HITS = 19;
export const MAP_MISSES = 20;
/** Actors that came back from the store; attempts that were given up; time from the first call until they were there. */
export const LOADS = 21;
export const LOAD_FAILURES = 22;
export const LOAD_MICROS = 23;
export const UNLOADS = 24;
/** Of types that unload: actors in memory, and in the store alone. */
export const ACTORS_LOADED = 25;
export const ACTORS_UNLOADED = 26;

/** All counters of a thread, by name. */
export function readCounters(control: ControlBlock, thread: number): Record<CounterName, number> {
  const base = control.counters(thread);
  const entries = COUNTERS.map((name, index) => [name, control.shared.load(base + index) >>> 0] as const);
  return Object.fromEntries(entries) as Record<CounterName, number>;
}
