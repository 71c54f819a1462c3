/**
 * The map of a partition heap's fixed words. All numbers are word (Int32) indexes or counts.
 * Words with different writers stand 32 words (128 bytes) apart.
 *
 * ```
 *      0  identity         written once
 *     32  SEQUENCE_LOW     partition thread; every thread reads
 *     64  turn and journal partition thread; its successor reads
 *     96  watermarks       durability thread
 *    128  gates            partition thread; durability thread reads
 *    160  outbox           partition thread; durability thread reads
 *    192  reclamation      partition thread
 *    256  roots            partition thread publishes; readers load
 *    384  allocator        partition thread
 *   1024  pins             one line for each reader thread
 *   4096  rollback journal (address, old value) pairs
 *      …  page table       8 words for each page of 1,024 words
 *      …  pages
 * ```
 */

export const MAGIC = 0;
export const FORMAT = 1;
export const PARTITION = 2;
/** First word of the page table. */
export const PAGE_TABLE = 3;
/** First word of page 0. */
export const PAGES = 4;
/** How many pages `maxByteLength` allows. */
export const PAGE_COUNT_MAX = 5;
/** How many (address, old value) pairs the rollback journal holds. */
export const JOURNAL_CAPACITY = 6;
/** How many pin lines there are. */
export const PIN_COUNT = 7;

/** Low 32 bits of the committed sequence. THE commit point: one atomic store of this word. */
export const SEQUENCE_LOW = 32;
/** How many times 2³¹ it holds; changed under the rollback journal before the low word (sequence-words.ts). */
export const SEQUENCE_HALVES = 33;
/** Ownership term. */
export const EPOCH = 34;

/** How many journal pairs are valid; stored after a pair is written, before the word it saves is changed. */
export const JOURNAL_COUNT = 64;
/** The low sequence that the journalled changes belong to. */
export const JOURNAL_SEQUENCE = 65;
export const DURABLE_LOW = 96;
export const DURABLE_HALVES = 97;
/** Up to where the partition's changes stand in the store's rows. */
export const FOLDED_LOW = 98;
export const FOLDED_HALVES = 99;

/** Non-zero while replies wait for the watermark: the durability thread then rings the partition thread. */
export const GATE_WAITERS = 128;
/** Low 32 bits of the sequence up to which replies stand published in their rings; not journalled, never ahead of them. */
export const ANSWERED_LOW = 129;

/** Reference of the oldest outbox segment that is still kept. */
export const OUTBOX_FIRST = 160;
/** Reference of the segment that takes entries. */
export const OUTBOX_LAST = 161;
/** Word offset in the last segment where the next entry goes. */
export const OUTBOX_POSITION = 162;
/** Bytes that outbox entries have taken since the heap was made, modulo 2³². */
export const OUTBOX_BYTES = 163;
/** Reference of a segment in hand, taken before memory is asked for; 0 for none. */
export const OUTBOX_SPARE = 164;

/** Blocks freed since the last flip, linked by their header words. */
export const LIMBO_NEW = 192;
export const LIMBO_NEW_COUNT = 193;
/** Blocks whose reuse waits for readers that were inside a peek at LIMBO_EPOCH. */
export const LIMBO_OLD = 194;
export const LIMBO_EPOCH = 195;
/** Pin of the first sequence whose readers can't reach what maintenance unlinked; not journalled, never behind it. */
export const LIMBO_HOLD = 197;
/** Pages handed out (of 4 KiB), for accounting. */
export const PAGES_USED = 196;
/** One list head for each kind of retired structure. */
export const GRAVES = 200;
export const GRAVE_KINDS = 32;

/** Named references: the structures that a partition owns. */
export const ROOTS = 256;
export const ROOT_COUNT = 128;

/** One partial-slab list head for each size class. */
export const PARTIAL = 384;
/** First page that was never handed out. */
export const TOP_PAGE = 448;
/** One list head for each bin of free page runs. */
export const RUN_BINS = 456;
export const RUN_BIN_COUNT = 64;

export const PINS = 1024;
export const PIN_WORDS = 32;
export const PIN_COUNT_MAX = 96;

export const JOURNAL = 4096;

export const HEAP_MAGIC = 0x53504752; // 'SPGR'
export const HEAP_FORMAT = 1;

/** Words of a page, and of its descriptor in the page table. */
export const PAGE_WORDS = 1024;
export const PAGE_SHIFT = 10;
export const DESCRIPTOR_WORDS = 8;
export const DESCRIPTOR_SHIFT = 3;
