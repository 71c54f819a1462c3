/**
 * Walks a hash index by cursor, on any thread: each entry that is there during the whole scan is seen at least once.
 *
 * A cursor is a place in hash order: (the first hash prefix not yet done, the shape of the table that held it, the buckets
 * done in it). Entries never move inside a table, so a cursor into the same shape of table stays true whatever is inserted,
 * replaced or removed. When the table was widened, split or cleared meanwhile, its range is begun again: entries may then be
 * seen twice. Shapes only grow until a clear, so a scan ends.
 */
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { reach } from '../reach.ts';
import {
  BUCKET_SHIFT,
  BUCKET_WORDS,
  DEPTH_MAX,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  FULL_BUCKETS,
  LOCAL_DEPTH_MASK,
  OVERFLOW_BUCKET,
  OVERFLOW_NEXT,
  OVERFLOW_WALK_MAX,
  OVERFLOW_WORDS,
  ROOT,
  SLOT_COUNT,
  SLOTS,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  TABLE_STATE,
  tableHeadWords,
} from './index-layout.ts';

/** Room that a scan needs for what it finds: one bucket's entries. */
export const SCAN_REFS_MIN: number = SLOT_COUNT;
/** Bound: buckets looked at in a step beyond those that filled its result. */
const EMPTY_BUCKETS_MAX = 512;

const PREFIXES = 1 << DEPTH_MAX;
const POSITIONS = 256;
const SHAPES = 128;

/** One step of a scan; reused from step to step. Cursor 0 starts, and is what `next` returns at the end. */
export class IndexScan {
  /** Record references found by the last step; the first `count` are valid, as long as the caller's pin. */
  readonly refs: Int32Array;
  count: number;

  /** @param limit most references of a step, at least 12. */
  constructor(limit: number) {
    this.refs = new Int32Array(Math.max(SCAN_REFS_MIN, limit));
    this.count = 0;
  }

  /**
   * Collects the entries behind `cursor` and returns the next cursor. A step may find nothing and still not be the last.
   * The first `recordWords` words of each record are made reachable for this thread.
   */
  next(heap: Heap, at: number, cursor: number, recordWords: number): number {
    this.count = 0;
    let position = cursor % POSITIONS;
    let shape = Math.floor(cursor / POSITIONS) % SHAPES;
    let prefix = Math.floor(cursor / (POSITIONS * SHAPES));
    let looked = 0;
    while (prefix >= 0 && prefix < PREFIXES) {
      const root = heap.load(at + ROOT);
      if (root === 0) return 0;
      const table = tableAt(heap, root, prefix);
      const buckets = heap.i32[table + TABLE_BUCKETS] as number;
      const localDepth = (heap.i32[table + TABLE_STATE] as number) & LOCAL_DEPTH_MASK;
      if (buckets <= 0 || buckets > FULL_BUCKETS || localDepth > DEPTH_MAX) throwStaleRead();
      const shapeNow = buckets < FULL_BUCKETS ? buckets : FULL_BUCKETS + localDepth;
      if (shape !== shapeNow) position = 0;
      shape = shapeNow;
      let bucket = bucketAt(heap, table, buckets, position);
      while (bucket !== 0) {
        if (this.refs.length - this.count < SLOT_COUNT || looked++ >= EMPTY_BUCKETS_MAX + this.count) {
          return (prefix * SHAPES + shape) * POSITIONS + position;
        }
        this.collect(heap, bucket, recordWords);
        position++;
        bucket = position < buckets ? bucket + BUCKET_WORDS : bucketAt(heap, table, buckets, position);
      }
      prefix = nextPrefix(prefix, localDepth);
      shape = 0;
      position = 0;
    }
    return 0;
  }

  protected collect(heap: Heap, bucket: number, recordWords: number): void {
    for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT; slot++) {
      const ref = heap.load(slot);
      if (ref === 0) continue;
      reach(heap, ref, recordWords);
      this.refs[this.count++] = ref;
    }
  }
}

function tableAt(heap: Heap, root: number, prefix: number): number {
  reach(heap, root, DIRECTORY_HEAD_WORDS);
  const kind = heap.i32[root + TABLE_BUCKETS] as number;
  let table = root;
  if (kind > FULL_BUCKETS) {
    if (kind > DIRECTORY + DEPTH_MAX) throwStaleRead();
    const word = root + DIRECTORY_HEAD_WORDS + (prefix >>> (DEPTH_MAX - (kind - DIRECTORY)));
    reach(heap, word, 1);
    table = heap.load(word);
    reach(heap, table, DIRECTORY_HEAD_WORDS);
  }
  return table;
}

/** Start of the hash range behind the one of `localDepth` bits that `prefix` lies in. */
function nextPrefix(prefix: number, localDepth: number): number {
  const span = 2 ** (DEPTH_MAX - localDepth);
  return (Math.floor(prefix / span) + 1) * span;
}

/** The bucket at a position that counts the table's own buckets first, then overflow nodes; 0 behind the last. */
function bucketAt(heap: Heap, table: number, buckets: number, position: number): number {
  if (position < buckets) {
    const bucket = table + tableHeadWords(buckets) + (position << BUCKET_SHIFT);
    reach(heap, bucket, (buckets - position) << BUCKET_SHIFT);
    return bucket;
  }
  if (position >= buckets + OVERFLOW_WALK_MAX) return 0;
  let node = heap.load(table + TABLE_OVERFLOW);
  for (let count = position - buckets; node !== 0; count--) {
    reach(heap, node, OVERFLOW_WORDS);
    if (count === 0) return node + OVERFLOW_BUCKET;
    node = heap.load(node + OVERFLOW_NEXT);
  }
  return 0;
}
