/**
 * Node's text methods of Buffer, called on any Uint8Array, shared memory too. Much faster than TextEncoder and TextDecoder,
 * which refuse shared memory or need a view of their own, and the only ones that keep half a surrogate pair (UTF-16).
 */
interface TextMethods {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  ucs2Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, offset: number, length: number): number;
  utf8Write(this: Uint8Array, text: string, offset: number, length: number): number;
  ucs2Write(this: Uint8Array, text: string, offset: number, length: number): number;
}

const methods = Buffer.prototype as unknown as TextMethods;

export function latin1Slice(bytes: Uint8Array, start: number, end: number): string {
  return methods.latin1Slice.call(bytes, start, end);
}

export function utf8Slice(bytes: Uint8Array, start: number, end: number): string {
  return methods.utf8Slice.call(bytes, start, end);
}

export function utf16Slice(bytes: Uint8Array, start: number, end: number): string {
  return methods.ucs2Slice.call(bytes, start, end);
}

export function latin1Write(bytes: Uint8Array, text: string, offset: number): void {
  methods.latin1Write.call(bytes, text, offset, text.length);
}

/** Writes a text whose UTF-8 takes `byteLength` bytes. */
export function utf8Write(bytes: Uint8Array, text: string, offset: number, byteLength: number): void {
  methods.utf8Write.call(bytes, text, offset, byteLength);
}

export function utf16Write(bytes: Uint8Array, text: string, offset: number): void {
  methods.ucs2Write.call(bytes, text, offset, text.length * 2);
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
