/** The player that was looked for: asked again while the board changes, once a second at most. */
import { effect, signal } from '@preact/signals';
import { ApiError, pathPart, request, sentenceOf } from '../api/request.ts';
import type { Standing } from '../../src/http/answers.ts';
import { currentBoard } from '../state/current-board.ts';
import { top } from '../state/live-top.ts';

const AROUND = 3;
const PERIOD_MS = 1000;

export const found = signal<Standing | undefined>(undefined);
export const findError = signal<string | undefined>(undefined);
/** What stands in the field. */
export const wanted = signal('');
let asks = 0;
let again: ReturnType<typeof setTimeout> | undefined;

export async function findPlayer(player: string): Promise<void> {
  wanted.value = player;
  await ask(player);
}

export function forgetFound(): void {
  asks++;
  wanted.value = '';
  found.value = undefined;
  findError.value = undefined;
}

async function ask(player: string): Promise<void> {
  const board = currentBoard.value;
  if (board === undefined) return;
  const own = ++asks;
  try {
    const standing = await request<Standing>(
      `/api/boards/${pathPart(board)}/players/${pathPart(player)}?around=${AROUND}`,
    );
    if (own !== asks) return;
    found.value = standing;
    findError.value = undefined;
  } catch (error) {
    if (own !== asks) return;
    // A connection that is gone is shown above; the last answer stands.
    if (error instanceof ApiError && error.status === 0 && found.value?.player === player) return;
    found.value = undefined;
    findError.value = sentenceOf(error);
  }
}

effect(() => {
  if (currentBoard.value !== undefined) forgetFound();
});

top.subscribe((answer) => {
  const player = found.peek()?.player;
  if (answer === undefined || player === undefined || again !== undefined) return;
  again = setTimeout(() => {
    again = undefined;
    const still = found.peek()?.player;
    if (still !== undefined) void ask(still);
  }, PERIOD_MS);
});
