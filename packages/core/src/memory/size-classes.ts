/**
 * Block sizes that slabs serve, in words including the header word. Slots of one class fill a slab of one page (two for
 * the largest) behind its first 3 words, so that every payload is 16-byte aligned; the sizes waste at most 6 % of a slab.
 */
export const SLOT_WORDS: readonly number[] = [
  4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 84, 100, 112, 124, 144, 168, 204, 252, 288, 340, 408, 508,
];
export const CLASS_COUNT: number = SLOT_WORDS.length;
/** Largest request, in payload words, that a slab serves; more takes whole pages. */
export const SLAB_PAYLOAD_MAX = 507;

const TWO_PAGE_SLOTS = 340;

export const slabPages: Uint8Array = Uint8Array.from(SLOT_WORDS, (words) =>
  words > TWO_PAGE_SLOTS ? 2 : words === 288 ? 2 : 1,
);
export const slotWords: Int32Array = Int32Array.from(SLOT_WORDS);
export const slotsPerSlab: Int32Array = Int32Array.from(SLOT_WORDS, (words, index) =>
  Math.floor(((slabPages[index] ?? 1) * 1024 - 3) / words),
);

/** Payload words → size class. Index: (payload + 1 + 3) >> 2, the slot's 16-byte units rounded up. */
const classOfUnits = new Uint8Array(129);
for (let units = 1, cls = 0; units <= 128; units++) {
  while (cls < CLASS_COUNT - 1 && units * 4 > (SLOT_WORDS[cls] ?? 0)) cls++;
  classOfUnits[units] = cls;
}

export function classOfPayload(payloadWords: number): number {
  return classOfUnits[(payloadWords + 4) >> 2] as number;
}
