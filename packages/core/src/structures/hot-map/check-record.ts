/**
 * Says what is wrong with a record of a map by itself: what any thread under a pin can tell without knowing what the record
 * should hold. Records do not change once they are published, so under a pin that holds the answer is certain.
 */
import { KEY_BYTES_MAX, type KeyBytes } from '../../hash/key-bytes.ts';
import { xxh32 } from '../../hash/xxh32.ts';
import type { Heap } from '../../memory/heap.ts';
import { StaleReadError } from '../../memory/stale-read-error.ts';
import { isBlobIntact } from '../blob.ts';
import {
  DEPTH_MAX,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  ENTRIES,
  INDEX_WORDS,
  ROOT,
  TABLE_BUCKETS,
} from '../hash-index/index-layout.ts';
import { isReachable, reachableRecord } from '../hash-index/tolerant-scan.ts';
import {
  BLOB_COUNT_MAX,
  BLOB_COUNT_SHIFT,
  isSealIntact,
  KEY_BYTES_MASK,
  RECORD_HASH,
  RECORD_HEAD_WORDS,
  RECORD_META,
  recordHasKey,
  sealDifference,
} from '../keyed-record.ts';
import type { RecordShape } from './record-shape.ts';

/** Undefined when the record is whole. `hashSeed`: the grid's. */
export function damageOfRecord(heap: Heap, record: number, shape: RecordShape, hashSeed: number): string | undefined {
  const damage = damageOfKeyed(heap, record, shape, hashSeed);
  if (damage !== undefined) return damage;
  const { i32 } = heap;
  const blobs = ((i32[record + RECORD_META] as number) >>> BLOB_COUNT_SHIFT) & BLOB_COUNT_MAX;
  if (blobs !== shape.blobCount) return 'the record is not of the form of its map';
  for (let at = record + RECORD_HEAD_WORDS; at < record + RECORD_HEAD_WORDS + blobs; at++) {
    const blob = i32[at] as number;
    if (blob !== 0 && !isIntact(heap, blob)) return 'a text or packed value of the record fails its check';
  }
  return undefined;
}

/** Where the parts of a record lie that its seal and its key speak of. */
export type KeyedForm = Pick<RecordShape, 'keyAt' | 'nodeAt'>;

/** What map records and member records share. */
export function damageOfKeyed(
  heap: Heap,
  record: number,
  { keyAt, nodeAt }: KeyedForm,
  hashSeed: number,
): string | undefined {
  const words = reachableRecord(heap, record, keyAt);
  const keyBytes = words === 0 ? 0 : (heap.i32[record + RECORD_META] as number) & KEY_BYTES_MASK;
  if (words === 0 || keyBytes > KEY_BYTES_MAX) return 'the record has a key of no possible length';
  if (!isSealIntact(heap.i32, record, words, nodeAt)) return 'the record fails its check';
  if (xxh32(heap.u8, (record + keyAt) * 4, keyBytes, hashSeed) !== heap.i32[record + RECORD_HASH])
    return 'the record has another hash than its key';
  return undefined;
}

function isIntact(heap: Heap, blob: number): boolean {
  try {
    return isBlobIntact(heap, blob);
  } catch (error) {
    if (error instanceof StaleReadError) return false;
    throw error;
  }
}

/**
 * Whether a slot's reference may be that of a key that a find does not lead to: it leads nowhere, its record has the key and a
 * wrong tag, or is damaged and has the key or its hash still.
 */
export function mayBeOf(heap: Heap, ref: number, { keyAt, nodeAt }: KeyedForm, key: KeyBytes): boolean {
  const words = reachableRecord(heap, ref, keyAt);
  if (words === 0) return true;
  const { i32 } = heap;
  const hasHash = i32[ref + RECORD_HASH] === key.hash;
  const hasKey = recordHasKey(i32, ref, keyAt, i32[ref + RECORD_HASH] as number, key.bytes, key.offset, key.length);
  if (isSealIntact(i32, ref, words, nodeAt)) return hasKey && hasHash;
  return hasKey || hasHash;
}

/**
 * The reference in a word of a record that may be damaged: as it stands when `isIts` accepts it, else what it was before one of its
 * bytes changed, which the seal tells. 0 when neither is accepted.
 */
export function recoverReference(
  heap: Heap,
  record: number,
  { keyAt, nodeAt }: KeyedForm,
  word: number,
  isIts: (ref: number) => boolean,
): number {
  const stands = heap.i32[record + word] as number;
  if (stands === 0 || isIts(stands)) return stands;
  const words = reachableRecord(heap, record, keyAt);
  const difference = words === 0 ? 0 : sealDifference(heap.i32, record, words, nodeAt);
  if (difference === 0) return 0;
  for (let shift = 0; shift < 32; shift += 8)
    if (isIts(stands ^ (difference << shift))) return stands ^ (difference << shift);
  return 0;
}

/** Whether a map's header may lie at `ref`. */
export function mayBeMap(heap: Heap, ref: number): boolean {
  if ((ref & 3) !== 0 || !isReachable(heap, ref, INDEX_WORDS)) return false;
  const root = heap.i32[ref + ROOT] as number;
  const entries = heap.i32[ref + ENTRIES] as number;
  if (entries < 0) return false;
  if (root === 0) return entries === 0;
  if (!isReachable(heap, root, DIRECTORY_HEAD_WORDS)) return false;
  const kind = heap.i32[root + TABLE_BUCKETS] as number;
  return kind > 0 && kind <= DIRECTORY + DEPTH_MAX;
}
