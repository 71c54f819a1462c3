import { useRef } from 'preact/hooks';
import { count } from '../look/numbers.ts';
import { currentBoard } from '../state/current-board.ts';
import { boardError, listLength } from '../state/feeds.ts';
import { moves, top } from '../state/live-top.ts';
import { EntryRows } from './entry-rows.tsx';
import { findPlayer, found } from './found-player.ts';
import { useGlide } from './glide.ts';

const LENGTHS = [10, 20, 50] as const;

export function TopList() {
  const list = useRef<HTMLOListElement>(null);
  useGlide(list);
  const answer = top.value;
  return (
    <section class="panel" aria-labelledby="top-title">
      <header class="panel-head">
        <h2 id="top-title">
          Top of <bdi>{currentBoard.value ?? '…'}</bdi>
        </h2>
        <span class="aside" data-testid="players">
          {answer === undefined ? '' : `${count(answer.players)} ${answer.players === 1 ? 'player' : 'players'}`}
        </span>
      </header>
      {boardError.value !== undefined ? (
        <p class="note note-bad" role="alert">
          {boardError.value}
        </p>
      ) : answer === undefined ? (
        <p class="note">Waiting for the board…</p>
      ) : answer.entries.length === 0 ? (
        <p class="note">Nobody has points here yet. The first score makes the board.</p>
      ) : (
        <EntryRows
          entries={answer.entries}
          moves={moves.value}
          choose={(player) => void findPlayer(player)}
          list={list}
          label="Leaders"
          {...(found.value === undefined ? {} : { marked: found.value.player })}
        />
      )}
      <fieldset class="segments">
        <legend>Places shown</legend>
        {LENGTHS.map((length) => (
          <label key={length}>
            <input
              type="radio"
              name="places"
              checked={listLength.value === length}
              onChange={() => {
                listLength.value = length;
              }}
            />
            <span>{length}</span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}
