const { fromCharCode } = String;

/** A Latin-1 text of at most 12 characters. One call with all the codes makes a flat string; a loop would make a chain. */
export function shortText(bytes: Uint8Array, at: number, length: number): string {
  switch (length) {
    case 0:
      return '';
    case 1:
      return fromCharCode(bytes[at] as number);
    case 2:
      return fromCharCode(bytes[at] as number, bytes[at + 1] as number);
    case 3:
      return fromCharCode(bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number);
    default:
      break;
  }
  const head = fromCharCode(bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number);
  if (length === 4) return head;
  return head + shortText(bytes, at + 4, length - 4);
}
