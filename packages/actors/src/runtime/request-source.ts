/** Where a request stands while it waits or runs: in its ring, or kept aside. */
export interface RequestSource {
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  /** How often it was started before; START_CANCELLED when its caller took it back. */
  start(frame: number): number;
  /** The same, without starting it. */
  startsOf(frame: number): number;
  finish(frame: number): void;
  /** Its arguments stand beside the ring. */
  hasBulk(frame: number): boolean;
}
