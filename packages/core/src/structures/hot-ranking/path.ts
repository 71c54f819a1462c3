import { DEPTH_MAX, entryRef, LEAF_MAX, leafWords } from './node-layout.ts';

const LINE_WORDS = 16;
/** Word of a record of a short name that lies in its last cache line. */
const RECORD_NEAR_END = 9;

/** The nodes from a root (at `height`) down to a leaf (at 0), and the entry taken in each. Reused from walk to walk. */
export class Path {
  readonly nodes: Int32Array;
  readonly slots: Int32Array;
  height: number;
  /** Entries of the leaf, as the node above says; 0 when there is none above. A leaf not yet read may be reused memory. */
  leafMembers: number;
  /** True when the leaf entry of a `seek` refers to the very record sought. */
  found: boolean;
  private warmed: number;

  constructor() {
    this.nodes = new Int32Array(DEPTH_MAX + 1);
    this.slots = new Int32Array(DEPTH_MAX + 1);
    this.height = 0;
    this.leafMembers = 0;
    this.found = false;
    this.warmed = 0;
  }

  /**
   * Reads a word of each cache line of the leaf, and of another path's. These loads do not wait for each other, so that the
   * misses of cold leaves overlap; searches and copies would meet them one by one. At a million members: … of an update.
   */
  touch(i32: Int32Array, other: Path = this): void {
    const words = leafWords(Math.min(LEAF_MAX, Math.max(this.leafMembers, other.leafMembers)));
    const a = this.nodes[0] as number;
    const b = other.nodes[0] as number;
    if (a <= 0 || b <= 0 || Math.max(a, b) + words > i32.length) return;
    let seen = 0;
    for (let at = 0; at < words; at += LINE_WORDS) seen |= (i32[a + at] as number) | (i32[b + at] as number);
    // Kept, so that the loads are not optimised away.
    this.warmed = seen & 1;
  }
  /** The same for the records of a leaf's entries: eleven around a member take 3.9 µs … instead of 5.3. */
  touchRecords(i32: Int32Array, leaf: number, from: number, to: number): void {
    let seen = 0;
    for (let slot = from; slot < to; slot++) {
      const record = entryRef(i32, leaf, slot);
      if (record > 0 && record + RECORD_NEAR_END < i32.length) {
        seen |= (i32[record] as number) | (i32[record + RECORD_NEAR_END] as number);
      }
    }
    this.warmed = seen & 1;
  }
}
