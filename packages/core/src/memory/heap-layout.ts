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
  /** Most bytes the heap may grow to; reserves address space only. Default 4 GiB, at most 8 GiB. */
  readonly maxBytes?: number;
  /** Bytes of the rollback journal, 8 for each changed word of a turn; touched only when used. Default 8 MiB. */
  readonly journalBytes?: number;
  /** How many threads may read at a time. Default 64, at most 96. */
  readonly readersMax?: number;
}

const GIB = 1024 ** 3;
const GROWTH_WORDS = 16_384;

/** Reserves and formats the memory of one partition. The writer then attaches with `new Heap(buffer)`. */
export function createHeapBuffer(options: HeapOptions = {}): SharedArrayBuffer {
  const maxBytes = Math.floor((options.maxBytes ?? 4 * GIB) / 65_536) * 65_536;
  const journalBytes = options.journalBytes ?? 8 * 1024 * 1024;
  const readersMax = options.readersMax ?? 64;
  if (!(maxBytes >= 1024 * 1024 && maxBytes <= 8 * GIB)) {
    throw new InvalidOptionError(`maxBytes is ${options.maxBytes}: a partition heap has from 1 MiB to 8 GiB`);
  }
  if (!(Number.isInteger(readersMax) && readersMax >= 1 && readersMax <= PIN_COUNT_MAX)) {
    throw new InvalidOptionError(`readersMax is ${readersMax}: allowed is an integer from 1 to ${PIN_COUNT_MAX}`);
  }
  const journalPairs = Math.floor(journalBytes / 8);
  if (!(journalPairs >= 1024))
    throw new InvalidOptionError(`journalBytes is ${journalBytes}: at least 8 KiB are needed`);
  const pageTable = alignToPage(JOURNAL + journalPairs * 2);
  const pageCountMax = Math.floor(maxBytes / 4096);
  const pages = alignToPage(pageTable + pageCountMax * DESCRIPTOR_WORDS);
  // Page 0 is never handed out, so that reference and descriptor 0 mean "none".
  const initialWords = pages + PAGE_WORDS * 4;
  const maxByteLength = pages * 4 + maxBytes;
  const buffer = new SharedArrayBuffer(roundUp(initialWords, GROWTH_WORDS) * 4, {
    maxByteLength: maxByteLength + GROWTH_WORDS * 4,
  });
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

/** Grows the buffer to hold `words` words, in steps of an eighth of its size. False when its maximum forbids that. */
export function growBuffer(buffer: SharedArrayBuffer, pages: number, words: number): boolean {
  const needed = words * 4;
  if (needed <= buffer.byteLength) return true;
  if (needed > buffer.maxByteLength) return false;
  const data = buffer.byteLength - pages * 4;
  const step = roundUp(data >>> 3, GROWTH_WORDS * 4);
  buffer.grow(Math.min(buffer.maxByteLength, Math.max(roundUp(needed, GROWTH_WORDS * 4), buffer.byteLength + step)));
  return true;
}

function alignToPage(words: number): number {
  return roundUp(words, PAGE_WORDS);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
