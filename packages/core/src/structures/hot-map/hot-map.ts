/**
 * A map from string keys to records of typed fields, in a partition's heap.
 *
 * Roles: one writer thread puts, deletes, clears, in a turn; any thread finds, reads fields, scans, under a pin.
 * Progress: wait-free for readers. A put that grows the map costs some 50 µs more, at any size.
 * Staleness: none: a find sees every put that returned before it began, and may see those of a turn not yet committed.
 * Capacity: keys to 1,024 bytes, values to 16 MiB, hundreds of millions of entries; then CapacityError.
 *
 * State: the header block [root, entries, units, (owner of timed records)], whose reference the owner keeps. Records: record-shape.ts; how readers
 * never see half of one, and what happens when the writer dies on any line: index-reader.ts. The order within `put`:
 *   1. the fresh record and its new blobs are written by plain stores; no reader can reach them;
 *   2. one store publishes the record in the slot; blobs carried over now belong to it;
 *   3. the old record and the blobs not carried over are freed: they stay intact for readers that hold their references.
 * A throw or death before 2 leaves the old record in place; after 2 the journal puts its reference back, and it is not free.
 */
import { assert } from '../../assert.ts';
import { utf8Slice } from '../../codec/buffer-text.ts';
import { InvalidKeyError } from '../../errors/grid-errors.ts';
import { KEY_BYTES_MAX, type KeyBytes, KeyScratch } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { StaleReadError } from '../../memory/stale-read-error.ts';
import { unitsOfBlob } from '../blob.ts';
import { BYTES_PER_UNIT, unitsOfBlock } from '../block-units.ts';
import { BatchFinder, type KeyBatch } from '../hash-index/batch-finder.ts';
import { HashIndex } from '../hash-index/hash-index.ts';
import { INDEX_WORDS } from '../hash-index/index-layout.ts';
import { sampleEntries } from '../hash-index/index-sample.ts';
import { IndexScan } from '../hash-index/index-scan.ts';
import { reachableRecord } from '../hash-index/tolerant-scan.ts';
import {
  carryDifference,
  freeRecord,
  KEY_BYTES_MASK,
  keyWords,
  RECORD_HASH,
  RECORD_HEAD_WORDS,
  RECORD_META,
  RECORD_STAMP,
  sealCopy,
  sealRecord,
  stampMask,
  writeKey,
} from '../keyed-record.ts';
import { reach } from '../reach.ts';
import { OWNER_MAP, retireOwner } from '../timer-wheel/timed-owner.ts';
import { damageOfRecord, mayBeOf } from './check-record.ts';
import { RecordDraft, SPENT } from './record-draft.ts';
import { fillDraft, type RecordObject, recordToObject } from './record-objects.ts';
import type { RecordShape } from './record-shape.ts';

const ENTRIES_STEP = 256;

export class HotMap {
  readonly heap: Heap;
  /** Reference of the header block. */
  readonly header: number;
  readonly shape: RecordShape;
  /** The record that the last `put` took the place of, 0 for none: until the turn ends, what it held stands there. Writer only. */
  replaced: number;
  private copiedBits: number;
  private readonly index: HashIndex;
  private readonly batchFinder: BatchFinder;
  private readonly scratchKey: KeyScratch;
  private readonly draft: RecordDraft;

  /** Attaches to a map that `create` has made in this heap. Any thread. `hashSeed`: the grid's, for keys given as strings. */
  constructor(heap: Heap, header: number, shape: RecordShape, hashSeed: number) {
    this.heap = heap;
    this.header = header;
    this.shape = shape;
    this.replaced = 0;
    this.copiedBits = 0;
    this.index = new HashIndex(heap, header, { keyAt: shape.keyAt, ownsRecords: true, timed: shape.nodeAt !== 0 });
    this.batchFinder = new BatchFinder();
    this.scratchKey = new KeyScratch(hashSeed);
    this.draft = new RecordDraft(shape);
  }

  /**
   * Makes an empty map and returns its header's reference: 16 bytes. In a turn. `owner`: of a map whose records are timed, the
   * block made in this turn by which they are told (timed-owner.ts); it goes with the map.
   */
  static create(heap: Heap, owner = 0): number {
    const header = heap.alloc(owner === 0 ? INDEX_WORDS : INDEX_WORDS + 1);
    if (owner !== 0) {
      heap.i32[header + INDEX_WORDS] = owner;
      heap.i32[owner + OWNER_MAP] = header;
    }
    HashIndex.format(heap, header);
    return header;
  }

  get size(): number {
    return this.index.size;
  }

  /** Bytes of the heap that the map takes: index, records, texts and packed values. */
  get bytes(): number {
    return this.index.bytes;
  }

  /** Reference of the key's record, or 0: for the readers of record-fields.ts. Any thread; allocates nothing. */
  find(key: KeyBytes): number {
    return this.index.findBytes(key.hash, key.bytes, key.offset, key.length);
  }

  /** Puts the record reference of each key, or 0, in `refs`: several times faster than one by one when memory is cold. */
  findMany(keys: KeyBatch, refs: Int32Array): void {
    this.batchFinder.find(this.index, keys, refs);
  }

  /**
   * Adds the draft's record under the key, or puts it in the place of the one that is there. A draft that was loaded from a
   * record must come back to that record's key. Returns the fresh record. Throws CapacityError; the turn is then undone.
   */
  put(key: KeyBytes, draft: RecordDraft): number {
    const { heap, index, shape } = this;
    assert(draft.shape === shape && draft.base !== SPENT, 'the draft has the shape of the map and was begun');
    if (key.length === 0 || key.length > KEY_BYTES_MAX) {
      throw new InvalidKeyError(`a key has 1 to ${KEY_BYTES_MAX} bytes of UTF-8: this one has ${key.length}`);
    }
    const old = index.findBytes(key.hash, key.bytes, key.offset, key.length);
    assert(draft.base === 0 || draft.base === old, 'the record that the draft was loaded from is still there');
    let units = draft.writeBlobs(heap);
    const words = shape.keyAt + keyWords(key.length);
    const ref = heap.alloc(words);
    const i32 = heap.i32;
    draft.writeWords(i32, ref, key.hash, key.length);
    writeKey(i32, ref + shape.keyAt, key);
    sealRecord(i32, ref, words, shape.nodeAt);
    carryDifference(i32, ref, draft.difference);
    if (old === 0) {
      index.insert(key.hash, ref);
      units += unitsOfBlock(words);
    } else {
      index.replace(ref);
      if (draft.base === 0) {
        // A record of the same key takes as much as the fresh one, except its blobs.
        units -= this.unitsOfBlobs(old);
        freeRecord(heap, old);
      } else {
        units -= draft.freeReplacedBlobs(heap);
        heap.free(old);
      }
    }
    draft.base = SPENT;
    this.replaced = old;
    index.account(units);
    return ref;
  }

  /** Where the record stands that `find` or `put` has just met, for `replaceCopied`; 0 when they met none. Writer only. */
  get place(): number {
    return this.index.slot;
  }

  /** Unchanged: a place still holds what it held, unless a turn was undone. Writer only. */
  get moves(): number {
    return this.index.moves;
  }

  /**
   * A copy of a published record, which nobody can reach yet: the caller changes its fixed-width fields by plain stores, then
   * calls `replaceCopied`. Half as long as `put`: nothing is looked up. Throws CapacityError.
   */
  copyOf(record: number): number {
    const { heap, shape } = this;
    const words = shape.keyAt + keyWords((heap.i32[record + RECORD_META] as number) & KEY_BYTES_MASK);
    const copy = heap.alloc(words);
    const i32 = heap.i32;
    let bits = i32[record + RECORD_STAMP] as number;
    for (let word = 0; word < words; word++) {
      const value = i32[record + word] as number;
      i32[copy + word] = value;
      bits ^= value;
    }
    this.copiedBits = bits;
    return copy;
  }

  /** Publishes the copy in the place of its original, whose blobs it has taken over. */
  replaceCopied(place: number, record: number, copy: number): void {
    const { heap } = this;
    assert(heap.i32[place] === record, 'the record to replace stands where it was found');
    sealCopy(heap.i32, copy, this.wordsOf(copy), this.copiedBits);
    heap.publish(place, copy);
    heap.free(record);
  }

  /**
   * Puts the draft's record in the place of the key's damaged one, or of one that its key does not lead to, and returns it. What is
   * damaged is not freed: its references can't be believed. Adds the record where nothing of the key is found. `carry` is given
   * the old record first, where there is one. In a turn.
   */
  mend(key: KeyBytes, draft: RecordDraft, carry: (old: number) => void = () => undefined): number {
    const { heap, index, shape } = this;
    const found = this.findInDamage(key);
    if (found !== 0 && damageOfRecord(heap, found, shape, this.scratchKey.seed) === undefined) {
      carry(found);
      return this.put(key, draft);
    }
    const stands = found !== 0 || index.findDamaged(key.hash, (ref) => mayBeOf(heap, ref, shape, key));
    const old = stands ? (heap.i32[index.slot] as number) : 0;
    if (old !== 0 && reachableRecord(heap, old, shape.keyAt) !== 0) carry(old);
    draft.writeBlobs(heap);
    const words = shape.keyAt + keyWords(key.length);
    const ref = heap.alloc(words);
    draft.writeWords(heap.i32, ref, key.hash, key.length);
    writeKey(heap.i32, ref + shape.keyAt, key);
    sealRecord(heap.i32, ref, words, shape.nodeAt);
    if (stands) index.replace(ref);
    else index.insert(key.hash, ref);
    this.replaced = 0;
    draft.base = SPENT;
    return ref;
  }

  /** Takes the key's record out. False when there was none. */
  delete(key: KeyBytes): boolean {
    const { heap, index, shape } = this;
    const ref = this.find(key);
    if (ref === 0) return false;
    index.remove();
    index.account(-unitsOfBlock(shape.keyAt + keyWords(key.length)) - this.unitsOfBlobs(ref));
    freeRecord(heap, ref);
    return true;
  }

  /**
   * Takes the key's record over from another map of this heap and shape, in the place of the one that is here: the same block,
   * published by one store. False when `source` has none. In a turn.
   */
  moveFrom(source: HotMap, key: KeyBytes): boolean {
    const { heap, index } = this;
    assert(source.heap === heap && source.shape === this.shape, 'a record moves between maps that are alike');
    const ref = source.find(key);
    if (ref === 0) return false;
    const block = unitsOfBlock(this.shape.keyAt + keyWords(key.length));
    const units = block + this.unitsOfBlobs(ref);
    source.index.remove();
    source.index.account(-units);
    const old = this.find(key);
    if (old === 0) {
      index.insert(key.hash, ref);
    } else {
      index.replace(ref);
      index.account(-block - this.unitsOfBlobs(old));
      freeRecord(heap, old);
    }
    index.account(units);
    return true;
  }

  /** Empties the map at once; memory is given back in steps after the turn. */
  clear(): void {
    this.index.clear();
  }

  /** Clears the map and frees its header: the object and its copies on other threads are then of no use. */
  destroy(): void {
    this.index.clear();
    if (this.shape.nodeAt !== 0) retireOwner(this.heap, this.heap.i32[this.header + INDEX_WORDS] as number);
    this.heap.free(this.header);
  }

  /** One step of a scan: collects record references behind `cursor` (0: from the start), returns the next (0: at the end). */
  scan(scan: IndexScan, cursor: number): number {
    return scan.next(this.heap, this.header, cursor, this.shape.keyAt);
  }

  // ---- data in, data out ----

  /** The key's record as a fresh object, or undefined. Any thread. */
  get(key: string): RecordObject | undefined {
    const record = this.find(this.scratchKey.set(key));
    return record === 0 ? undefined : recordToObject(this.heap, this.shape, record);
  }

  has(key: string): boolean {
    return this.find(this.scratchKey.set(key)) !== 0;
  }

  /** Puts a record with these fields; those not named get their initial values. Throws InvalidArgumentError. */
  set(key: string, fields: RecordObject): void {
    this.draft.reset();
    fillDraft(this.draft, fields);
    this.put(this.scratchKey.set(key), this.draft);
  }

  /** Changes the fields named and keeps the others. False when the key has no record. Throws InvalidArgumentError. */
  patch(key: string, fields: RecordObject): boolean {
    const record = this.find(this.scratchKey.set(key));
    if (record === 0) return false;
    this.draft.load(this.heap, record);
    fillDraft(this.draft, fields);
    this.put(this.scratchKey, this.draft);
    return true;
  }

  /** Takes the key's record out. False when there was none. */
  remove(key: string): boolean {
    return this.delete(this.scratchKey.set(key));
  }

  /** All keys and records. Between turns or under one pin; what is written meanwhile may be seen, or a key seen twice. */
  *entries(): IterableIterator<[string, RecordObject]> {
    const scan = new IndexScan(ENTRIES_STEP);
    let cursor = 0;
    do {
      cursor = this.scan(scan, cursor);
      for (const record of scan.refs.slice(0, scan.count)) {
        yield [this.keyOf(record), recordToObject(this.heap, this.shape, record)];
      }
    } while (cursor !== 0);
  }

  // ---- parts of a record ----

  keyOf(record: number): string {
    const length = this.keyByteLength(record);
    reach(this.heap, record, this.shape.keyAt + keyWords(length));
    const from = this.keyOffset(record);
    return utf8Slice(this.heap.u8, from, from + length);
  }

  keyByteLength(record: number): number {
    return (this.heap.i32[record + RECORD_META] as number) & KEY_BYTES_MASK;
  }

  /** Offset of the record's key in `heap.u8`. */
  keyOffset(record: number): number {
    return (record + this.shape.keyAt) * 4;
  }

  hashOf(record: number): number {
    return this.heap.i32[record + RECORD_HASH] as number;
  }

  /** What was noted of accesses (access-stamps.ts). */
  stampOf(record: number): number {
    const i32 = this.heap.i32;
    return (i32[record + RECORD_STAMP] as number) ^ stampMask(i32[record + RECORD_HASH] as number);
  }

  /** Notes an access. Writer only; not journalled: an undone turn keeps the note. */
  touch(record: number, noted: number): void {
    const i32 = this.heap.i32;
    const stamp = noted ^ stampMask(i32[record + RECORD_HASH] as number);
    if (i32[record + RECORD_STAMP] !== stamp) i32[record + RECORD_STAMP] = stamp;
  }

  /**
   * Notes an access on any thread, once its pin was left with success. `hash` and `before` (by `hashOf` and `stampOf`) were
   * read under that pin: never touch a record whose pin was revoked, since its block may hold something else by now.
   */
  touchAfterPeek(record: number, hash: number, before: number, noted: number): void {
    if (before === noted) return;
    const mask = stampMask(hash);
    Atomics.compareExchange(this.heap.i32, record + RECORD_STAMP, before ^ mask, noted ^ mask);
  }

  /** Some records of a random place of the map, as many as `refs` takes. Returns how many. Writer only. */
  sample(random: number, refs: Int32Array): number {
    return sampleEntries(this.heap, this.header, random, refs);
  }

  /** True when `ref`, which once was a record of the map, is one now. Writer only. */
  holds(ref: number): boolean {
    const { heap, index, shape } = this;
    const length = this.keyByteLength(ref);
    if (length === 0 || length > KEY_BYTES_MAX || ref + shape.keyAt + keyWords(length) > heap.i32.length) return false;
    return index.findBytes(this.hashOf(ref), heap.u8, this.keyOffset(ref), length) === ref;
  }

  /** Bytes of the heap that the draft's record will take, without the texts and bytes that it carries over. */
  bytesOf(draft: RecordDraft, keyBytes: number): number {
    return (unitsOfBlock(this.shape.keyAt + keyWords(keyBytes)) + draft.pendingUnits) * BYTES_PER_UNIT;
  }

  /** Bytes that are given back when the draft takes the place of the record `old`; 0 for none. Writer only. */
  bytesReplaced(draft: RecordDraft, old: number): number {
    if (old === 0) return 0;
    const blobs = draft.base === 0 ? this.unitsOfBlobs(old) : draft.replacedUnits(this.heap);
    return (unitsOfBlock(this.shape.keyAt + keyWords(this.keyByteLength(old))) + blobs) * BYTES_PER_UNIT;
  }

  private wordsOf(record: number): number {
    return this.shape.keyAt + keyWords(this.keyByteLength(record));
  }

  private findInDamage(key: KeyBytes): number {
    try {
      return this.find(key);
    } catch (error) {
      if (error instanceof StaleReadError) return 0;
      throw error;
    }
  }

  private unitsOfBlobs(record: number): number {
    const { heap, shape } = this;
    let units = 0;
    for (let at = record + RECORD_HEAD_WORDS; at < record + RECORD_HEAD_WORDS + shape.blobCount; at++) {
      const blob = heap.i32[at] as number;
      if (blob !== 0) units += unitsOfBlob(heap, blob);
    }
    return units;
  }
}
