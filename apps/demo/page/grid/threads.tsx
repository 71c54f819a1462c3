import type { PartitionSample, WorkerSample } from '../../src/http/answers.ts';
import { Figure } from '../look/figure.tsx';
import { bytes, count, rate } from '../look/numbers.ts';
import { connection } from '../state/feeds.ts';
import { sample } from '../state/live-grid.ts';
import { KillOutcome } from './kill-outcome.tsx';
import { dying, killThread } from './kill-thread.ts';
import { PartitionCells } from './partition-cells.tsx';

/** The partition threads: what each does, what waits for it, what of it is not on disk; and the button that ends it. */
export function Threads() {
  const now = sample.value;
  return (
    <section class="panel" aria-labelledby="threads-title">
      <header class="panel-head">
        <h2 id="threads-title">Threads and partitions</h2>
        {now !== undefined && (
          <span class="aside">
            store {now.durability.health}, last flush {now.durability.flushMs.toFixed(1)} ms
          </span>
        )}
      </header>
      <KillOutcome />
      {now === undefined ? (
        <p class="note">Waiting for the first sample…</p>
      ) : (
        <div class="threads">
          {now.workers.map((worker) => (
            <Thread
              key={worker.worker}
              worker={worker}
              partitions={now.partitions.filter((partition) => partition.worker === worker.worker)}
            />
          ))}
        </div>
      )}
    </section>
  );
}

interface ThreadProps {
  readonly worker: WorkerSample;
  readonly partitions: readonly PartitionSample[];
}

function Thread({ worker, partitions }: ThreadProps) {
  const number = worker.worker;
  const unpersistedBytes = partitions.reduce((sum, partition) => sum + partition.unpersistedBytes, 0);
  const state = dying.value === number ? 'recovering' : connection.value === 'lost' ? 'not seen' : worker.state;
  return (
    <article class="thread" aria-label={`Thread ${number}`}>
      <header>
        <h3>Thread {number}</h3>
        <span class={state === 'serving' ? 'state state-on' : 'state state-off'}>{state}</span>
        <button
          type="button"
          class="danger"
          aria-disabled={dying.value !== undefined}
          onClick={() => void killThread(number)}
        >
          Kill<span class="for-readers"> thread {number}</span>
        </button>
      </header>
      <div
        class="meter"
        role="meter"
        aria-label="Busy"
        aria-valuenow={Math.round(worker.busyShare * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <span style={{ inlineSize: `${(worker.busyShare * 100).toFixed(1)}%` }} />
      </div>
      <dl class="figures figures-small">
        <Figure name="Busy" value={`${Math.round(worker.busyShare * 100)} %`} />
        <Figure name="Commands/s" value={rate(worker.commandsPerSecond)} />
        <Figure name="Depth" value={count(worker.depth)} />
        <Figure name="Not on disk" value={bytes(unpersistedBytes)} />
        <Figure name="Successors" value={count(Math.max(0, worker.incarnation - 1))} />
      </dl>
      <PartitionCells partitions={partitions} />
    </article>
  );
}
