import type { KillAnswer } from '../../src/http/answers.ts';
import { Figure } from '../look/figure.tsx';
import { count, milliseconds, points } from '../look/numbers.ts';
import { dying, killed, killError } from './kill-thread.ts';

/** What the last killing has shown, or what it would. */
export function KillOutcome() {
  const answer = killed.value;
  return (
    <div class="outcome" aria-live="polite" data-testid="kill-outcome">
      {dying.value !== undefined ? (
        <p class="note">Thread {dying.value} was killed; a successor takes over its memory…</p>
      ) : killError.value !== undefined ? (
        <p class="note note-bad">{killError.value}</p>
      ) : answer === undefined ? (
        <p class="note">
          Kill a thread while players play: a successor takes over its shared memory, and what was acknowledged is
          compared with what is there.
        </p>
      ) : (
        <Outcome answer={answer} />
      )}
    </div>
  );
}

function Outcome({ answer }: { readonly answer: KillAnswer }) {
  const { worker, recoveredAfterMs, acknowledged, present, lost, doubled, turns } = answer;
  const whole = lost === 0 && doubled === 0 && turns.lost === 0;
  return (
    <>
      <p class="verdict">
        {recoveredAfterMs < 0 ? (
          <>Thread {worker} died and was given up.</>
        ) : (
          <>
            Thread {worker} recovered in <strong>{milliseconds(recoveredAfterMs)}</strong>
          </>
        )}
        <span class={whole ? 'badge badge-good' : 'badge badge-bad'}>{whole ? 'nothing lost' : 'not whole'}</span>
      </p>
      <dl class="figures">
        {acknowledged > 0 && (
          <>
            <Figure name="Points acknowledged" value={points(acknowledged)} />
            <Figure name="Points on the board" value={points(present)} />
            <Figure name="Lost" value={points(lost)} />
            <Figure name="Counted twice" value={points(doubled)} />
          </>
        )}
        <Figure name="Its turns before" value={count(turns.before)} />
        <Figure name="Its turns after" value={count(turns.after)} />
      </dl>
      <p class="aside">
        {acknowledged > 0
          ? 'Acknowledged to the simulated players, asked first; on the board, counted after that: it may be ahead, never behind.'
          : 'No simulated player has played yet: only the turns of the thread’s partitions were compared.'}
      </p>
    </>
  );
}
