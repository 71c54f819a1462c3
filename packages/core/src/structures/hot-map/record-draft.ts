/**
 * A record in the making, outside the heap: from scratch, or from a published record plus changed fields. `HotMap.put` writes
 * it as a fresh block. Texts and bytes that are not changed are carried over by reference. One draft serves many records of
 * its shape in turn; it holds no memory of the heap, so dropping it half-made costs nothing.
 */
import { utf8Length } from '../../codec/buffer-text.ts';
import { InvalidArgumentError } from '../../errors/grid-errors.ts';
import type { Heap } from '../../memory/heap.ts';
import { newBytesBlob, newTextBlob, unitsOfBlob, unitsOfNewBlob } from '../blob.ts';
import {
  BLOB_COUNT_SHIFT,
  KEY_BYTES_MASK,
  keyWords,
  RECORD_FLAG_COUNT,
  RECORD_FLAG_SHIFT,
  RECORD_HASH,
  RECORD_HEAD_WORDS,
  RECORD_META,
  RECORD_STAMP,
  sealDifference,
  stampMask,
} from '../keyed-record.ts';
import type { RecordField, RecordShape } from './record-shape.ts';

const FLAGS_MASK = ((1 << RECORD_FLAG_COUNT) - 1) << RECORD_FLAG_SHIFT;

/** Value of `base` in a draft whose references `put` has used. */
export const SPENT = -1;

export class RecordDraft {
  readonly shape: RecordShape;
  /** The record that this one will replace; 0 for none; SPENT after `put`, until `reset` or `load`. */
  base: number;
  /** By what the loaded record differs from its seal; 0 when it is whole. */
  difference: number;
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly initialWords: Int32Array;
  /** New values of blob fields, by blob number; undefined where the reference in `words` stands. */
  private readonly values: (string | Uint8Array | undefined)[];
  private pending: number;

  constructor(shape: RecordShape) {
    this.shape = shape;
    this.base = 0;
    this.difference = 0;
    this.words = new Int32Array((shape.keyAt + 1) & ~1);
    this.doubles = new Float64Array(this.words.buffer);
    this.values = new Array<string | Uint8Array | undefined>(shape.blobCount).fill(undefined);
    this.pending = 0;
    this.words[RECORD_META] = shape.blobCount << BLOB_COUNT_SHIFT;
    for (const field of shape.fields) this.setInitial(field);
    this.initialWords = this.words.slice();
  }

  /** Starts a record with the initial values of its fields. */
  reset(): void {
    this.base = 0;
    this.difference = 0;
    this.words.set(this.initialWords);
    if (this.pending !== 0) this.values.fill(undefined);
    this.pending = 0;
  }

  /** Starts from a published record, which `put` will then replace. Writer only. */
  load(heap: Heap, record: number): void {
    const { words, shape } = this;
    const i32 = heap.i32;
    for (let word = RECORD_STAMP; word < shape.keyAt; word++) words[word] = i32[record + word] as number;
    const keyBytes = (words[RECORD_META] as number) & KEY_BYTES_MASK;
    this.difference = sealDifference(i32, record, shape.keyAt + keyWords(keyBytes), shape.nodeAt);
    words[RECORD_STAMP] = (words[RECORD_STAMP] as number) ^ stampMask(i32[record + RECORD_HASH] as number);
    words[RECORD_META] = ((words[RECORD_META] as number) & FLAGS_MASK) | (shape.blobCount << BLOB_COUNT_SHIFT);
    if (this.pending !== 0) this.values.fill(undefined);
    this.pending = 0;
    this.base = record;
  }

  setF64(field: RecordField, value: number): void {
    this.doubles[field.at >>> 1] = value;
  }

  /** Access stamp of the record to be; otherwise that of the loaded one, or 0. */
  setStamp(noted: number): void {
    this.words[RECORD_STAMP] = noted;
  }

  /** i32 and u32: the 32 bits of `value`. */
  setInt(field: RecordField, value: number): void {
    this.words[field.at] = value;
  }

  setBool(field: RecordField, value: boolean): void {
    const word = this.words[field.at] as number;
    this.words[field.at] = value ? word | field.mask : word & ~field.mask;
  }

  /** Throws InvalidArgumentError when the text takes more than the field's `maxBytes`. */
  setText(field: RecordField, value: string): void {
    if (value.length * 3 > field.maxBytes && utf8Length(value) > field.maxBytes) {
      throw new InvalidArgumentError(`the text for ${field.name} takes more than ${field.maxBytes} bytes`);
    }
    if (value === field.initial) this.clearBlob(field);
    else this.setBlob(field, value);
  }

  /** Bytes of a packed field, kept by reference until `put`. Throws InvalidArgumentError above the field's `maxBytes`. */
  setBytes(field: RecordField, bytes: Uint8Array): void {
    if (bytes.length > field.maxBytes) {
      throw new InvalidArgumentError(
        `the value for ${field.name} takes ${bytes.length} bytes: at most ${field.maxBytes} are allowed`,
      );
    }
    this.setBlob(field, bytes);
  }

  /** Gives a text or packed field its initial value again. */
  clearBlob(field: RecordField): void {
    this.setBlob(field, undefined);
    this.words[field.at] = 0;
  }

  /** Units of 16 bytes that `writeBlobs` will take. */
  get pendingUnits(): number {
    if (this.pending === 0) return 0;
    let units = 0;
    for (const value of this.values) if (value !== undefined) units += unitsOfNewBlob(value);
    return units;
  }

  /** Units of the blobs of the record at `base` that this draft will not carry over. Before `writeBlobs`. */
  replacedUnits(heap: Heap): number {
    let units = 0;
    for (let number = 0; number < this.shape.blobCount; number++) {
      const at = RECORD_HEAD_WORDS + number;
      const old = heap.i32[this.base + at] as number;
      if (old !== 0 && (this.values[number] !== undefined || this.words[at] !== old)) units += unitsOfBlob(heap, old);
    }
    return units;
  }

  /** Blocks of new texts and bytes, written now; the draft then refers to them. Returns their units. */
  writeBlobs(heap: Heap): number {
    if (this.pending === 0) return 0;
    let units = 0;
    for (let number = 0; number < this.values.length; number++) {
      const value = this.values[number];
      if (value === undefined) continue;
      const blob = typeof value === 'string' ? newTextBlob(heap, value) : newBytesBlob(heap, value);
      this.words[RECORD_HEAD_WORDS + number] = blob;
      this.values[number] = undefined;
      units += unitsOfBlob(heap, blob);
    }
    this.pending = 0;
    return units;
  }

  /** Frees the blobs of the record at `base` that this draft does not carry over. Returns their units. */
  freeReplacedBlobs(heap: Heap): number {
    let units = 0;
    for (let at = RECORD_HEAD_WORDS; at < RECORD_HEAD_WORDS + this.shape.blobCount; at++) {
      const old = heap.i32[this.base + at] as number;
      if (old === 0 || old === this.words[at]) continue;
      units += unitsOfBlob(heap, old);
      heap.free(old);
    }
    return units;
  }

  /** Fills a fresh block by plain stores: everything except the key and the check. */
  writeWords(i32: Int32Array, record: number, hash: number, keyBytes: number): void {
    const { words, shape } = this;
    i32[record] = hash;
    for (let word = RECORD_STAMP; word < shape.keyAt; word++) i32[record + word] = words[word] as number;
    i32[record + RECORD_STAMP] = (words[RECORD_STAMP] as number) ^ stampMask(hash);
    i32[record + RECORD_META] = (words[RECORD_META] as number) | keyBytes;
  }

  private setBlob(field: RecordField, value: string | Uint8Array | undefined): void {
    const before = this.values[field.blob];
    if (before === undefined && value !== undefined) this.pending++;
    if (before !== undefined && value === undefined) this.pending--;
    this.values[field.blob] = value;
  }

  private setInitial(field: RecordField): void {
    switch (field.kind) {
      case 'f64':
        this.setF64(field, field.initial as number);
        break;
      case 'bool':
        this.setBool(field, field.initial as boolean);
        break;
      case 'text':
      case 'packed':
        this.words[field.at] = 0;
        break;
      default:
        this.setInt(field, field.initial as number);
    }
  }
}
