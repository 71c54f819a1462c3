/** What a name of a board or a player may be: any Unicode, by its bytes in UTF-8. */
export const BOARD_BYTES_MAX = 256;
export const PLAYER_BYTES_MAX = 512;

/** What is wrong with a name, as a sentence; undefined when nothing is. */
export function nameProblem(what: string, name: string, bytesMax: number): string | undefined {
  if (name.length === 0) return `${what} has at least one character`;
  if (!name.isWellFormed()) return `${what} is well-formed Unicode`;
  if (Buffer.byteLength(name) > bytesMax) return `${what} takes at most ${bytesMax} bytes of UTF-8`;
  return undefined;
}
