/**
 * Memory map of a hash index, in words.
 *
 * ```
 * owner's header, 3 words:   [root, entries, units]            root: a lone table, or a directory; 0 while empty
 * table:      [buckets 1…63, overflow node, local depth | OWNS_RECORDS | TIMED_RECORDS | retire progress, (9 more if full), buckets…]
 * directory:  [DIRECTORY + depth, retire progress, flags, –, 2^depth tables of 63 buckets each]
 * overflow:   [next node, –, –, one bucket]
 * bucket:     [tags of slots 0–3, tags of 4–7, tags of 8–11, hints, 12 record references]
 *    tag      8 bits of the hash, never 0; 0 = free slot
 *    hints    entries whose home is this bucket and that lie in its neighbour (bits 0–7), in overflow nodes (bits 8–23)
 * ```
 *
 * A full table fills one page of the heap and its buckets are cache lines. A lone table starts with one bucket and grows to
 * 63; then tables split one at a time behind a directory (extendible hashing: Fagin et al. 1979; buckets with tags and a
 * neighbour as in Dash, Lu et al. 2020, and in Valkey 8).
 *
 * Bits of the mixed hash: 0–11 choose the bucket (as a fraction of the bucket count), 0–5 and 12–13 the tag, the upper ones
 * the table. The hash is mixed again, since all keys of a partition share their hash modulo the partition count.
 */
export const ROOT = 0;
export const ENTRIES = 1;
export const UNITS = 2;
export const INDEX_WORDS = 3;

export const TABLE_BUCKETS = 0;
export const TABLE_OVERFLOW = 1;
export const TABLE_STATE = 2;
const SMALL_HEAD_WORDS = 3;
/** Puts buckets of a full table on cache lines: its block starts 4 words into a page. */
export const FULL_HEAD_WORDS = 12;
export const FULL_BUCKETS = 63;

export const LOCAL_DEPTH_MASK = 0x1f;
export const OWNS_RECORDS = 0x20;
/** The records that it owns have nodes of the timer wheel. */
export const TIMED_RECORDS = 0x40;
export const PROGRESS_SHIFT = 8;

export const DIRECTORY = 64;
export const DIRECTORY_PROGRESS = 1;
export const DIRECTORY_STATE = 2;
export const DIRECTORY_HEAD_WORDS = 4;
/** Bound: 2^20 tables, 5·10⁸ entries: more than the largest heap holds. */
export const DEPTH_MAX = 20;

export const OVERFLOW_NEXT = 0;
export const OVERFLOW_BUCKET = 3;
export const OVERFLOW_WORDS = 19;
/** Bound: so many entries of one 32-bit hash may lie in a table's overflow nodes; the next is refused. */
export const SAME_HASH_MAX = 512;
/** Bound: an insert makes no longer chains (1,536 entries beside the table's 756): it splits, or is refused. */
export const OVERFLOW_NODES_MAX = 128;
/** Bound of every walk: a split moves at most 2,292 entries, which even all in a chain need no more nodes than this. */
export const OVERFLOW_WALK_MAX = 192;

export const BUCKET_WORDS = 16;
export const BUCKET_SHIFT = 4;
export const TAG_WORDS = 3;
export const HINTS = 3;
export const SLOTS = 4;
export const SLOT_COUNT = 12;

export const NEIGHBOUR_HINT = 1;
export const NEIGHBOUR_HINTS = 0xff;
export const OVERFLOW_HINT = 0x100;

/** Bijective; after the finalizer of MurmurHash3. */
export function mixHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export function tagOf(mixed: number): number {
  return (mixed & 0x3f) | ((mixed >>> 6) & 0xc0) || 0xff;
}

export function bucketOf(mixed: number, buckets: number): number {
  return ((mixed & 0xfff) * buckets) >>> 12;
}

export function tableHeadWords(buckets: number): number {
  return buckets === FULL_BUCKETS ? FULL_HEAD_WORDS : SMALL_HEAD_WORDS;
}

export function tableWords(buckets: number): number {
  return tableHeadWords(buckets) + (buckets << BUCKET_SHIFT);
}

/** 1, 2, 4, 8, 16, 31, 63: each fits a block size of the heap. */
export function nextBuckets(buckets: number): number {
  return buckets < 16 ? buckets * 2 : buckets === 16 ? 31 : FULL_BUCKETS;
}

/** A tag in all four bytes of a word. */
export function tagPattern(mixed: number): number {
  return Math.imul(tagOf(mixed), 0x01010101);
}

/**
 * One bit for each slot of the bucket whose tag agrees (and, rarely, one that only might). Without a branch: the processor
 * then runs ahead into the next search while it waits for this one's bucket.
 */
export function slotsWithTag(i32: Int32Array, bucket: number, pattern: number): number {
  return (
    bytesEqual(i32[bucket] as number, pattern) |
    (bytesEqual(i32[bucket + 1] as number, pattern) << 4) |
    (bytesEqual(i32[bucket + 2] as number, pattern) << 8)
  );
}

/** Four bits: which bytes of both words agree. A byte above an agreeing one may be marked falsely. */
function bytesEqual(word: number, pattern: number): number {
  const differing = word ^ pattern;
  const zeros = ((differing - 0x01010101) & ~differing & 0x80808080) >>> 7;
  return Math.imul(zeros, 0x01020408) >>> 24;
}

/** Word index of the bucket's first free slot; 0 when it is full. Writer only. */
export function freeSlotIn(i32: Int32Array, bucket: number): number {
  for (let word = 0; word < TAG_WORDS; word++) {
    const tags = i32[bucket + word] as number;
    // The lowest byte marked is exactly the first zero byte.
    const zeros = (tags - 0x01010101) & ~tags & 0x80808080;
    if (zeros !== 0) return bucket + SLOTS + word * 4 + ((31 - Math.clz32(zeros & -zeros)) >>> 3);
  }
  return 0;
}

/** The tag word of a slot of `bucket`, and how far its tag is shifted in it. */
export function tagWordOf(bucket: number, slot: number): number {
  return bucket + ((slot - bucket - SLOTS) >>> 2);
}

export function tagShiftOf(bucket: number, slot: number): number {
  return ((slot - bucket - SLOTS) & 3) << 3;
}
