import { InvalidOptionError } from '../errors/grid-errors.ts';
import {
  DESCRIPTOR_WORDS,
  FORMAT,
  HEAP_FORMAT,
  HEAP_MAGIC,
  JOURNAL,
  JOURNAL_CAPACITY,
  MAGIC,
  PAGE_COUNT_MAX,
  PAGE_TABLE,
  PAGE_WORDS,
  PAGES,
  PARTITION,
  PIN_COUNT,
  PIN_COUNT_MAX,
} from './heap-words.ts';

export interface HeapOptions {
  /** Number of the partition that owns the heap. Default 0. */
  readonly partition?: number;
  /** Most bytes the heap may grow to; reserves address space only. From 1 MiB; default 4 GiB, at most some 7.9 GiB. */
  readonly maxBytes?: number;
  /** Bytes of the rollback journal, 8 for each changed word of a turn; touched only when used. Default 8 MiB, least 64 KiB. */
  readonly journalBytes?: number;
  /** How many threads may read at a time. Default 64, at most 96. */
  readonly readersMax?: number;
}

const GIB = 1024 ** 3;
const KIB = 1024;
const GROWTH_BYTES = 64 * KIB;
/** References are positive 32-bit word indexes. */
const WORDS_MAX = 2 ** 31;
/** Room that a step of reclamation needs when a bucket's records have all the texts that they may have. */
const JOURNAL_PAIRS_MIN = 8192;

/** Reserves and formats the memory of one partition. The writer then attaches with `new Heap(buffer)`. */
export function createHeapBuffer(options: HeapOptions = {}): SharedArrayBuffer {
  const maxBytes = Math.floor((options.maxBytes ?? 4 * GIB) / GROWTH_BYTES) * GROWTH_BYTES;
  const journalBytes = options.journalBytes ?? 8 * 1024 * 1024;
  const readersMax = options.readersMax ?? 64;
  if (!(maxBytes >= 1024 * 1024 && maxBytes < 8 * GIB)) {
    throw new InvalidOptionError(`maxBytes is ${options.maxBytes}: a partition heap has from 1 MiB to less than 8 GiB`);
  }
  if (!(Number.isInteger(readersMax) && readersMax >= 1 && readersMax <= PIN_COUNT_MAX)) {
    throw new InvalidOptionError(`readersMax is ${readersMax}: allowed is an integer from 1 to ${PIN_COUNT_MAX}`);
  }
  const journalPairs = Math.floor(journalBytes / 8);
  if (!(journalPairs >= JOURNAL_PAIRS_MIN && journalPairs <= WORDS_MAX / 4)) {
    throw new InvalidOptionError(
      `journalBytes is ${journalBytes}: allowed is from ${JOURNAL_PAIRS_MIN * 8} bytes to 4 GiB`,
    );
  }
  const pageTable = alignToPage(JOURNAL + journalPairs * 2);
  const pageCountMax = Math.floor(maxBytes / 4096);
  const pages = alignToPage(pageTable + pageCountMax * DESCRIPTOR_WORDS);
  // Page 0 is never handed out, so that reference and descriptor 0 mean "none".
  const initialWords = pages + PAGE_WORDS * 4;
  // The page that is never handed out comes on top.
  const maxByteLength = pages * 4 + maxBytes + GROWTH_BYTES;
  if (maxByteLength > WORDS_MAX * 4) {
    throw new InvalidOptionError(
      `maxBytes is ${maxBytes}, with ${pages * 4} bytes of journal and page table beside it: together less than 8 GiB are allowed`,
    );
  }
  const buffer = new SharedArrayBuffer(roundUp(initialWords * 4, GROWTH_BYTES), { maxByteLength });
  const words = new Int32Array(buffer, 0, JOURNAL);
  words[MAGIC] = HEAP_MAGIC;
  words[FORMAT] = HEAP_FORMAT;
  words[PARTITION] = options.partition ?? 0;
  words[PAGE_TABLE] = pageTable;
  words[PAGES] = pages;
  words[PAGE_COUNT_MAX] = pageCountMax;
  words[JOURNAL_CAPACITY] = journalPairs;
  words[PIN_COUNT] = readersMax;
  return buffer;
}

/**
 * Grows the buffer to hold `words` words, in steps of an eighth of its size, or where `mayGrow` or the system refuses that, by the
 * least that will do. False when its maximum, the budget or the system forbid that too.
 */
export function growBuffer(
  buffer: SharedArrayBuffer,
  pages: number,
  words: number,
  mayGrow: (additionalBytes: number) => boolean,
): boolean {
  if (words * 4 <= buffer.byteLength) return true;
  if (words * 4 > buffer.maxByteLength) return false;
  const least = Math.min(buffer.maxByteLength, roundUp(words * 4, GROWTH_BYTES));
  const step = roundUp((buffer.byteLength - pages * 4) / 8, GROWTH_BYTES);
  const ample = Math.min(buffer.maxByteLength, buffer.byteLength + step);
  return (ample > least && growTo(buffer, ample, mayGrow)) || growTo(buffer, least, mayGrow);
}

function growTo(buffer: SharedArrayBuffer, bytes: number, mayGrow: (additionalBytes: number) => boolean): boolean {
  const additional = bytes - buffer.byteLength;
  if (!mayGrow(additional)) return false;
  try {
    buffer.grow(bytes);
    return true;
  } catch (error) {
    mayGrow(-additional);
    // The system has no memory to give: as final as a budget, and the turn is undone alike.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function alignToPage(words: number): number {
  return roundUp(words, PAGE_WORDS);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
