import type { RefObject } from 'preact';
import type { Entry } from '../../src/http/answers.ts';
import { points } from '../look/numbers.ts';
import type { Move } from '../state/live-top.ts';
import { Movement } from './movement.tsx';
import { PlayerName } from './player-name.tsx';

interface EntryRowsProps {
  readonly entries: readonly Entry[];
  readonly moves?: ReadonlyMap<string, Move>;
  /** The row that is spoken of. */
  readonly marked?: string;
  readonly choose?: (player: string) => void;
  readonly list?: RefObject<HTMLOListElement | null>;
  readonly label: string;
}

/** Ranks, names and points. A row's bar is its points against the first row's. */
export function EntryRows({ entries, moves, marked, choose, list, label }: EntryRowsProps) {
  const most = Math.max(...entries.map((entry) => entry.points), 0);
  return (
    <ol class="entries" aria-label={label} {...(list === undefined ? {} : { ref: list })}>
      {entries.map(({ rank, player, points: score }) => (
        <li
          key={player}
          class={player === marked ? 'entry entry-marked' : 'entry'}
          data-player={player}
          aria-current={player === marked ? 'true' : undefined}
        >
          <span class="bar" style={{ inlineSize: `${most > 0 ? Math.max(0, (score / most) * 100) : 0}%` }} />
          <span class="rank">{rank}</span>
          {choose === undefined ? (
            <PlayerName name={player} />
          ) : (
            <button type="button" class="player" onClick={() => choose(player)}>
              <PlayerName name={player} />
            </button>
          )}
          {moves !== undefined && <Movement move={moves.get(player)} />}
          <span class="points">{points(score)}</span>
        </li>
      ))}
    </ol>
  );
}
