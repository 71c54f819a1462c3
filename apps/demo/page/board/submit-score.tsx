/**
 * Adds points to a player. A submit carries a key of its own; when no answer came, the same submit is sent under the same key
 * again, so that it counts once.
 */
import { signal } from '@preact/signals';
import { ApiError, pathPart, request, sentenceOf } from '../api/request.ts';
import type { Submitted } from '../../src/http/answers.ts';
import { count, milliseconds, points as asPoints } from '../look/numbers.ts';
import { boards, currentBoard, refreshBoards } from '../state/current-board.ts';
import { PlayerName } from './player-name.tsx';

interface Answered extends Submitted {
  readonly tookMs: number;
}

const player = signal('');
const points = signal('10');
const durable = signal(false);
const sending = signal(false);
const answered = signal<Answered | undefined>(undefined);
const failed = signal<string | undefined>(undefined);
/** A submit of unknown outcome. */
let unanswered: { readonly what: string; readonly key: string } | undefined;

async function submit(): Promise<void> {
  const board = currentBoard.value;
  if (board === undefined || sending.value) return;
  const body = { player: player.value, points: Number(points.value) };
  const what = JSON.stringify([board, body, durable.value]);
  const key = unanswered?.what === what ? unanswered.key : newKey();
  unanswered = { what, key };
  sending.value = true;
  answered.value = undefined;
  failed.value = undefined;
  const startedAt = performance.now();
  try {
    const path = `/api/boards/${pathPart(board)}/scores${durable.value ? '?ack=durable' : ''}`;
    const answer = await request<Submitted>(path, { method: 'POST', body, idempotencyKey: key });
    answered.value = { ...answer, tookMs: performance.now() - startedAt };
    unanswered = undefined;
    if (!boards.value.some(({ name }) => name === board)) void refreshBoards();
  } catch (error) {
    const unknown = error instanceof ApiError && (error.status === 0 || error.status >= 500);
    if (!unknown) unanswered = undefined;
    failed.value = unknown
      ? `${sentenceOf(error)} It may be counted or not: send it again, it counts once.`
      : sentenceOf(error);
  } finally {
    sending.value = false;
  }
}

/** Not randomUUID: a page from a plain http address of the network has none. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function SubmitScore() {
  const answer = answered.value;
  return (
    <section class="panel" aria-labelledby="submit-title">
      <h2 id="submit-title">Submit a score</h2>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label class="field">
          <span>Player</span>
          <input
            name="player"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            dir="auto"
            required
            value={player.value}
            onInput={(event) => {
              player.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="field field-short">
          <span>Points</span>
          <input
            name="points"
            type="number"
            step="any"
            inputmode="decimal"
            required
            value={points.value}
            onInput={(event) => {
              points.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="check">
          <input
            name="durable"
            type="checkbox"
            checked={durable.value}
            onChange={(event) => {
              durable.value = event.currentTarget.checked;
            }}
          />
          <span>Answer once on disk</span>
        </label>
        <button type="submit" class="primary" aria-disabled={sending.value}>
          Submit
        </button>
      </form>
      <div aria-live="polite" data-testid="submit-answer">
        {failed.value !== undefined && <p class="note note-bad">{failed.value}</p>}
        {answer !== undefined && (
          <p class="note note-good">
            <PlayerName name={answer.player} /> has {asPoints(answer.points)} points and is number {count(answer.rank)}.{' '}
            <span class="aside">
              {answer.durable ? 'On disk' : 'In memory, on its way to disk'}, answered in {milliseconds(answer.tookMs)}.
            </span>
          </p>
        )}
      </div>
    </section>
  );
}
