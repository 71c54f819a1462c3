/** Values of a pin's word. */
export const PIN_IDLE = 0;
export const PIN_REVOKED = 2;
/** From the pin of one sequence to that of the next. */
export const PIN_STEP = 4;

/** Pin value for a sequence: its low 30 bits and a mark, so that it is never idle or revoked. */
export function pinOf(sequenceLow: number): number {
  return (sequenceLow << 2) | 1;
}
