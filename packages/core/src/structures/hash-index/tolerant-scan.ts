/** A scan for who looks for damage: a slot that leads nowhere is counted and passed over, where IndexScan would give up. */
import type { Heap } from '../../memory/heap.ts';
import { KEY_BYTES_MASK, keyWords, RECORD_META } from '../keyed-record.ts';
import { SLOT_COUNT, SLOTS } from './index-layout.ts';
import { IndexScan } from './index-scan.ts';

export class TolerantScan extends IndexScan {
  /** Slots of the last step that lead to no memory. */
  strays = 0;

  override next(heap: Heap, at: number, cursor: number, recordWords: number): number {
    this.strays = 0;
    return super.next(heap, at, cursor, recordWords);
  }

  protected override collect(heap: Heap, bucket: number, recordWords: number): void {
    for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT; slot++) {
      const ref = heap.load(slot);
      if (ref === 0) continue;
      if (isReachable(heap, ref, recordWords)) this.refs[this.count++] = ref;
      else this.strays++;
    }
  }
}

/** Whether memory of so many words lies at `ref`; made reachable for this thread. */
export function isReachable(heap: Heap, ref: number, words: number): boolean {
  if (ref <= 0) return false;
  if (ref + words > heap.i32.length) heap.cover(ref + words - 1);
  return ref + words <= heap.i32.length;
}

/** Words of the record at `ref` with its key, all within reach; 0 when no key of that length can be there. */
export function reachableRecord(heap: Heap, ref: number, keyAt: number): number {
  if (!isReachable(heap, ref, keyAt)) return 0;
  const keyBytes = (heap.i32[ref + RECORD_META] as number) & KEY_BYTES_MASK;
  const words = keyAt + keyWords(keyBytes);
  return keyBytes > 0 && isReachable(heap, ref, words) ? words : 0;
}
