/**
 * The page's two event streams: the board's top and the grid's samples. They are open while the page is visible; a hidden tab
 * holds none, since a browser opens six connections to a server and no more.
 */
import { computed, effect, signal } from '@preact/signals';
import { type FeedState, openFeed } from '../api/feed.ts';
import { ApiError, pathPart, request, sentenceOf } from '../api/request.ts';
import type { Sample, Top } from '../../src/http/answers.ts';
import { currentBoard, refreshBoards } from './current-board.ts';
import { receiveSample } from './live-grid.ts';
import { clearTop, receiveTop } from './live-top.ts';

const boardFeed = signal<FeedState>('connecting');
const gridFeed = signal<FeedState>('connecting');
const visible = signal(true);

/** How many places the list has. */
export const listLength = signal(matchMedia('(min-width: 60rem)').matches ? 20 : 10);
/** Why the board can't be shown, in a sentence. */
export const boardError = signal<string | undefined>(undefined);

export const connection = computed<FeedState>(() => {
  const states = [boardFeed.value, gridFeed.value];
  if (states.includes('lost') && boardError.value === undefined) return 'lost';
  return gridFeed.value === 'live' ? 'live' : gridFeed.value;
});

export function keepFeedsOpen(): void {
  document.addEventListener('visibilitychange', () => {
    visible.value = document.visibilityState === 'visible';
  });
  visible.value = document.visibilityState === 'visible';
  effect(() => {
    if (!visible.value) return undefined;
    return openFeed({
      path: '/api/grid/events',
      event: 'stats',
      receive: (data) => receiveSample(data as Sample),
      changed: (state) => {
        gridFeed.value = state;
      },
    });
  });
  let shown: string | undefined;
  effect(() => {
    const board = currentBoard.value;
    if (!visible.value || board === undefined) return undefined;
    if (shown !== board) clearTop();
    shown = board;
    return followBoard(board, listLength.value);
  });
}

function followBoard(board: string, places: number): (() => void) | undefined {
  boardError.value = undefined;
  let path: string;
  try {
    path = `/api/boards/${pathPart(board)}`;
  } catch (error) {
    boardError.value = sentenceOf(error);
    return undefined;
  }
  void refreshBoards();
  const close = openFeed({
    path: `${path}/events?n=${places}`,
    event: 'top',
    receive: (data) => receiveTop(data as Top),
    changed: (state) => {
      boardFeed.value = state;
      if (state === 'lost') void explain(board, path, () => close());
      else if (state === 'live') boardError.value = undefined;
    },
  });
  return close;
}

/** A refused event stream carries no reason: the same question by a plain request does. What is refused is not asked again. */
async function explain(board: string, path: string, giveUp: () => void): Promise<void> {
  try {
    await request(`${path}/top?n=1`);
  } catch (error) {
    if (currentBoard.value !== board || !(error instanceof ApiError) || error.status === 0) return;
    boardError.value = sentenceOf(error);
    if (error.status < 500) giveUp();
  }
}
