/** The top of the current board as it arrives, and who has moved in it lately. */
import { batch, signal } from '@preact/signals';
import type { Top } from '../../src/http/answers.ts';

export interface Move {
  /** Ranks gained; negative when lost; undefined for a player that was not in the list. */
  readonly gained: number | undefined;
  readonly at: number;
}

/** How long a move stays marked. */
const MARKED_MS = 3000;

/** Undefined until the board's first answer. */
export const top = signal<Top | undefined>(undefined);
export const moves = signal<ReadonlyMap<string, Move>>(new Map());
let expiry: ReturnType<typeof setTimeout> | undefined;

/** Forgets everything: another board is opened. */
export function clearTop(): void {
  batch(() => {
    top.value = undefined;
    moves.value = new Map();
  });
}

export function receiveTop(next: Top): void {
  const before = top.value;
  batch(() => {
    top.value = next;
    // The first answer, and a list that was made longer, bring nobody new.
    if (before !== undefined && before.entries.length > 0) note(before, next);
  });
}

function note(before: Top, next: Top): void {
  const now = performance.now();
  const marked = new Map([...moves.value].filter(([, move]) => now - move.at < MARKED_MS));
  const ranks = new Map(before.entries.map(({ player, rank }) => [player, rank]));
  for (const { player, rank } of next.entries) {
    const last = ranks.get(player);
    if (last === undefined && rank > before.entries.length && before.players > before.entries.length) continue;
    if (last !== rank) marked.set(player, { gained: last === undefined ? undefined : last - rank, at: now });
  }
  moves.value = marked;
  if (marked.size === 0) return;
  clearTimeout(expiry);
  expiry = setTimeout(expire, MARKED_MS);
}

function expire(): void {
  const now = performance.now();
  const kept = [...moves.value].filter(([, move]) => now - move.at < MARKED_MS);
  moves.value = new Map(kept);
  if (kept.length > 0) expiry = setTimeout(expire, MARKED_MS);
}
