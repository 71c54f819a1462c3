import { DEPTH_MAX } from './node-layout.ts';

/** The nodes from a root (at `height`) down to a leaf (at 0), and the entry taken in each. Reused from walk to walk. */
export class Path {
  readonly nodes: Int32Array;
  readonly slots: Int32Array;
  height: number;
  /** True when the leaf entry of a `seek` refers to the very record sought. */
  found: boolean;

  constructor() {
    this.nodes = new Int32Array(DEPTH_MAX + 1);
    this.slots = new Int32Array(DEPTH_MAX + 1);
    this.height = 0;
    this.found = false;
  }
}
