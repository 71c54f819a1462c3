/** Which board is looked at. It stands in the address, so that a reload and a link lead to the same board. */
import { signal } from '@preact/signals';
import { request } from '../api/request.ts';
import type { BoardSummary } from '../../src/http/answers.ts';

const FIRST_BOARD = 'main';

/** Undefined until it is known which boards there are. */
export const currentBoard = signal<string | undefined>(undefined);
export const boards = signal<readonly BoardSummary[]>([]);

export function openBoard(name: string): void {
  // The fragment, not the path: any text fits in it, and the server serves one page only.
  if (boardOfAddress() !== name) location.hash = `board=${encodeURIComponent(name)}`;
  currentBoard.value = name;
}

/** Reads the list again; a failure leaves the last one, the feeds show that the connection is gone. */
export async function refreshBoards(): Promise<void> {
  try {
    ({ boards: boards.value } = await request<{ boards: BoardSummary[] }>('/api/boards'));
  } catch {
    return;
  }
}

/** From now on the address leads. Without a board in it: the one with the most players. */
export function followAddress(): void {
  addEventListener('hashchange', () => {
    const name = boardOfAddress();
    if (name !== undefined) currentBoard.value = name;
  });
  currentBoard.value = boardOfAddress();
  void refreshBoards().then(() => {
    if (currentBoard.value !== undefined) return;
    const largest = boards.value.reduce<BoardSummary | undefined>(
      (best, board) => (best === undefined || board.players > best.players ? board : best),
      undefined,
    );
    currentBoard.value = largest?.name ?? FIRST_BOARD;
  });
}

function boardOfAddress(): string | undefined {
  const name = new URLSearchParams(location.hash.slice(1)).get('board');
  return name === null || name === '' ? undefined : name;
}
