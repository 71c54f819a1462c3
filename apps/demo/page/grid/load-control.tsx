/** Simulated players: how many, how fast, on which board; and what they have been told so far. */
import { signal } from '@preact/signals';
import { request, sentenceOf } from '../api/request.ts';
import type { LoadStatus } from '../../src/http/answers.ts';
import { count, points } from '../look/numbers.ts';
import { currentBoard, refreshBoards } from '../state/current-board.ts';
import { sample } from '../state/live-grid.ts';

/** Submits a second, from a trickle on; null is as fast as it goes. */
const RATES = [5, 50, 500, 5_000, 20_000, null] as const;
const PLAYERS = [100, 1_000, 10_000, 100_000, 1_000_000] as const;
const THREADS = [1, 2, 4] as const;

const rateIndex = signal(2);
const players = signal<number>(1_000);
const threads = signal<number>(1);
const asking = signal(false);
const failed = signal<string | undefined>(undefined);
/** What the last call answered, until a sample that is as new. */
const answered = signal<LoadStatus | undefined>(undefined);

let seen = false;

sample.subscribe((now) => {
  answered.value = undefined;
  if (now === undefined || seen) return;
  seen = true;
  if (now.load.running) show(now.load);
});

/** Sets the controls to what plays already, after a reload or from another page. */
function show(load: LoadStatus): void {
  const index = RATES.findIndex((rate) => rate === load.ratePerSecond);
  if (index >= 0) rateIndex.value = index;
  players.value = PLAYERS.find((number) => number === load.players) ?? players.value;
  threads.value = THREADS.find((number) => number === load.threads) ?? threads.value;
}

async function ask(call: Parameters<typeof request>[1]): Promise<void> {
  if (asking.value) return;
  asking.value = true;
  failed.value = undefined;
  try {
    answered.value = await request<LoadStatus>('/api/load', call ?? {});
  } catch (error) {
    failed.value = sentenceOf(error);
  } finally {
    asking.value = false;
  }
}

async function start(): Promise<void> {
  const board = currentBoard.value;
  if (board === undefined) return;
  await ask({
    method: 'POST',
    body: {
      board,
      players: players.value,
      ratePerSecond: RATES[rateIndex.value] ?? null,
      threads: threads.value,
    },
  });
  void refreshBoards();
}

export function LoadControl() {
  const status = answered.value ?? sample.value?.load;
  const running = status?.running ?? false;
  const chosen = RATES[rateIndex.value] ?? null;
  return (
    <section class="panel" aria-labelledby="load-title">
      <header class="panel-head">
        <h2 id="load-title">Simulated players</h2>
        <span class={running ? 'state state-on' : 'state'} data-testid="load-state">
          {status !== undefined && running ? playing(status) : 'at rest'}
        </span>
      </header>
      <form
        class="load"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div class="field field-wide">
          <span class="field-head">
            <label for="rate">Rate</label>
            <output for="rate">{rateText(chosen)}</output>
          </span>
          <input
            id="rate"
            type="range"
            min={0}
            max={RATES.length - 1}
            step={1}
            value={rateIndex.value}
            aria-valuetext={rateText(chosen)}
            onInput={(event) => {
              rateIndex.value = Number(event.currentTarget.value);
            }}
          />
        </div>
        <label class="field">
          <span>Players</span>
          <select
            name="players"
            value={players.value}
            onChange={(event) => {
              players.value = Number(event.currentTarget.value);
            }}
          >
            {PLAYERS.map((number) => (
              <option key={number} value={number}>
                {count(number)}
              </option>
            ))}
          </select>
        </label>
        <label class="field field-short">
          <span>Threads</span>
          <select
            name="threads"
            value={threads.value}
            onChange={(event) => {
              threads.value = Number(event.currentTarget.value);
            }}
          >
            {THREADS.map((number) => (
              <option key={number} value={number}>
                {number}
              </option>
            ))}
          </select>
        </label>
        <div class="buttons">
          <button type="submit" class="primary" aria-disabled={asking.value}>
            {running ? 'Restart' : 'Start'}
          </button>
          <button
            type="button"
            aria-disabled={!running || asking.value}
            onClick={() => {
              if (running) void ask({ method: 'DELETE' });
            }}
          >
            Stop
          </button>
        </div>
      </form>
      {failed.value !== undefined && (
        <p class="note note-bad" role="alert">
          {failed.value}
        </p>
      )}
      {status?.failure !== undefined && (
        <p class="note note-bad" role="alert">
          The players stopped: {status.failure}
        </p>
      )}
      {status !== undefined && status.board !== '' && (
        <dl class="figures">
          <div>
            <dt>On board</dt>
            <dd>
              <bdi>{status.board}</bdi>
            </dd>
          </div>
          <div>
            <dt>Points acknowledged</dt>
            <dd>{points(status.acknowledged)}</dd>
          </div>
          <div>
            <dt>Submits failed</dt>
            <dd>{count(status.failed)}</dd>
          </div>
        </dl>
      )}
    </section>
  );
}

function rateText(rate: number | null): string {
  return rate === null ? 'as fast as it goes' : `${count(rate)} submits/s`;
}

function playing({ ratePerSecond, threads }: LoadStatus): string {
  return `playing ${rateText(ratePerSecond)} in ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
