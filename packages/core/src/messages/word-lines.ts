/**
 * Lays out Int32 words that several threads write: one line of 128 bytes for each thread and purpose (doorbell, counters, …),
 * so that no two threads write to lines that travel together between caches. Decides places only; who reads and writes
 * what is the business of the classes that get a word's index.
 */
import { assert } from '../assert.ts';

/** Words of a line. */
export const LINE_WORDS = 32;

export interface LineGroup {
  readonly name: string;
  /** Lines of the group: one for each thread, or 1 for all. */
  readonly lines: number;
}

export class WordLines<Name extends string> {
  /** Words of all groups together. */
  readonly words: number;
  private readonly groups: ReadonlyMap<string, { readonly first: number; readonly lines: number }>;

  /** Groups stand one behind the other in the order given: every thread must give the same. */
  constructor(groups: readonly (LineGroup & { readonly name: Name })[]) {
    const placed = new Map<string, { first: number; lines: number }>();
    let first = 0;
    for (const { name, lines } of groups) {
      assert(!placed.has(name) && lines >= 1, 'a group of lines has a name of its own and at least one line');
      placed.set(name, { first, lines });
      first += lines;
    }
    this.groups = placed;
    this.words = first * LINE_WORDS;
  }

  /** Shared memory for all groups, zeroed. */
  createBuffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(this.words * 4);
  }

  /** Index of a word: look it up once and keep it. */
  index(name: Name, line: number, word: number = 0): number {
    const group = this.groups.get(name);
    assert(group !== undefined && line >= 0 && line < group.lines, 'the line belongs to a group');
    assert(word >= 0 && word < LINE_WORDS, 'the word lies within its line');
    return (group.first + line) * LINE_WORDS + word;
  }
}
