import type { Heap } from '@spacegrid/core';

/** Memory is nearly full when less than this part of it is free, or than these bytes where it is large. */
const TIGHT_SHARE = 0.25;
const TIGHT_BYTES_MAX = 64 * 1024 * 1024;
/** All but full, with less than this part of that margin left. */
const HELD_SHARE = 0.5;

/** How much a partition may still take, from its own pages or from the system. */
export class MemoryRoom {
  readonly freeBytes: number;
  readonly marginBytes: number;
  private readonly usedBytes: number;

  /** @param roomLeft bytes that all partitions together may still take from the system. */
  constructor(heap: Heap, roomLeft: number) {
    const limit = Math.min(heap.pageCountMax * 4096, heap.pageBytes() + roomLeft);
    this.usedBytes = heap.usedBytes();
    this.freeBytes = limit - this.usedBytes;
    this.marginBytes = Math.min(limit * TIGHT_SHARE, TIGHT_BYTES_MAX);
  }

  /** Memory is nearly full: actors are to leave. */
  get isTight(): boolean {
    return this.freeBytes < this.marginBytes;
  }

  /** Nearly nothing is left: commands are to wait. */
  get isHeld(): boolean {
    return this.freeBytes < this.marginBytes * HELD_SHARE;
  }

  /** With more bytes than this in use nearly nothing is left. */
  get heldAboveBytes(): number {
    return this.usedBytes + this.freeBytes - this.marginBytes * HELD_SHARE;
  }
}
