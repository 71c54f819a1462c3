/** Walks every word of a hash index and checks it against what the entries say it must be. */
import { unitsOfBlob } from '../../src/structures/blob.ts';
import { unitsOfBlock } from '../../src/structures/block-units.ts';
import {
  BUCKET_SHIFT,
  BUCKET_WORDS,
  bucketOf,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  FULL_BUCKETS,
  HINTS,
  LOCAL_DEPTH_MASK,
  mixHash,
  OVERFLOW_BUCKET,
  OVERFLOW_HINT,
  OVERFLOW_NEXT,
  OVERFLOW_WORDS,
  SLOT_COUNT,
  SLOTS,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  TABLE_STATE,
  tableHeadWords,
  tableWords,
  tagOf,
  tagShiftOf,
  tagWordOf,
} from '../../src/structures/hash-index/index-layout.ts';
import type { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import {
  BLOB_COUNT_MAX,
  BLOB_COUNT_SHIFT,
  keyWords,
  RECORD_HEAD_WORDS,
  RECORD_META,
} from '../../src/structures/keyed-record.ts';

export interface Census {
  entries: number;
  tables: number;
  depth: number;
  overflowNodes: number;
}

/** Throws an Error that says what is wrong, or returns counts. */
export function takeCensus(map: HotMap): Census {
  const { heap, header } = map;
  const i32 = heap.i32;
  const root = i32[header] as number;
  const census: Census = { entries: 0, tables: 0, depth: 0, overflowNodes: 0 };
  let units = 0;
  if (root !== 0) {
    const kind = i32[root + TABLE_BUCKETS] as number;
    if (kind > FULL_BUCKETS) {
      const depth = kind - DIRECTORY;
      census.depth = depth;
      units += unitsOfBlock(DIRECTORY_HEAD_WORDS + (1 << depth));
      for (let word = 0; word < 1 << depth; ) {
        const table = i32[root + DIRECTORY_HEAD_WORDS + word] as number;
        const localDepth = (i32[table + TABLE_STATE] as number) & LOCAL_DEPTH_MASK;
        check(localDepth >= 1 && localDepth <= depth, `table at ${word} has local depth ${localDepth} of ${depth}`);
        const span = 1 << (depth - localDepth);
        check(word % span === 0, `table at ${word} begins at a multiple of its span`);
        for (let same = 0; same < span; same++) {
          check(
            i32[root + DIRECTORY_HEAD_WORDS + word + same] === table,
            `directory word ${word + same} leads to its table`,
          );
        }
        units += countTable(map, table, (mixed) => mixed >>> (32 - localDepth) === word / span, census);
        word += span;
      }
    } else {
      units += countTable(map, root, () => true, census);
    }
  }
  check(census.entries === map.size, `${census.entries} entries are there, ${map.size} are counted`);
  check(units * 16 === map.bytes, `${units * 16} bytes are taken, ${map.bytes} are counted`);
  return census;
}

function countTable(map: HotMap, table: number, belongs: (mixed: number) => boolean, census: Census): number {
  const i32 = map.heap.i32;
  census.tables++;
  const buckets = i32[table + TABLE_BUCKETS] as number;
  const first = table + tableHeadWords(buckets);
  let units = unitsOfBlock(tableWords(buckets));
  const hints = new Map<number, number>();
  const visit = (bucket: number, number: number): void => {
    for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT; slot++) {
      const ref = i32[slot] as number;
      const tag = ((i32[tagWordOf(bucket, slot)] as number) >>> tagShiftOf(bucket, slot)) & 0xff;
      if (ref === 0) {
        check(tag === 0, 'a free slot has no tag');
        continue;
      }
      const mixed = mixHash(i32[ref] as number);
      check(tag === tagOf(mixed), 'the tag is that of the hash');
      check(belongs(mixed), 'the entry lies in the table of its hash');
      const home = bucketOf(mixed, buckets);
      if (number < 0) hints.set(home, (hints.get(home) ?? 0) + OVERFLOW_HINT);
      else if (number !== home) {
        check(number === (home + 1) % buckets, `the entry of bucket ${home} lies in ${number} of ${buckets}`);
        hints.set(home, (hints.get(home) ?? 0) + 1);
      }
      census.entries++;
      units += unitsOfRecord(map, ref);
    }
  };
  for (let number = 0; number < buckets; number++) visit(first + (number << BUCKET_SHIFT), number);
  for (let node = i32[table + TABLE_OVERFLOW] as number; node !== 0; node = i32[node + OVERFLOW_NEXT] as number) {
    units += unitsOfBlock(OVERFLOW_WORDS);
    census.overflowNodes++;
    visit(node + OVERFLOW_BUCKET, -1);
  }
  for (let number = 0; number < buckets; number++) {
    const counted = i32[first + number * BUCKET_WORDS + HINTS] as number;
    check(counted === (hints.get(number) ?? 0), `bucket ${number} has hints ${counted}, not ${hints.get(number) ?? 0}`);
  }
  return units;
}

function unitsOfRecord(map: HotMap, ref: number): number {
  const i32 = map.heap.i32;
  let units = unitsOfBlock(map.shape.keyAt + keyWords(map.keyByteLength(ref)));
  const blobs = ((i32[ref + RECORD_META] as number) >>> BLOB_COUNT_SHIFT) & BLOB_COUNT_MAX;
  for (let blob = 0; blob < blobs; blob++) {
    const at = i32[ref + RECORD_HEAD_WORDS + blob] as number;
    if (at !== 0) units += unitsOfBlob(map.heap, at);
  }
  return units;
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`census: ${sentence}`);
}
