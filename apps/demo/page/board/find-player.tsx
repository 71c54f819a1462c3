import { count } from '../look/numbers.ts';
import { EntryRows } from './entry-rows.tsx';
import { findError, findPlayer, forgetFound, found, wanted } from './found-player.ts';
import { PlayerName } from './player-name.tsx';

export function FindPlayer() {
  const standing = found.value;
  return (
    <section class="panel" aria-labelledby="find-title">
      <h2 id="find-title">Find a player</h2>
      <form
        class="line"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (wanted.value !== '') void findPlayer(wanted.value);
        }}
      >
        <label class="field">
          <span>Player</span>
          <input
            name="wanted"
            type="search"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            dir="auto"
            required
            value={wanted.value}
            onInput={(event) => {
              wanted.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit">Find</button>
      </form>
      <div aria-live="polite">
        {findError.value !== undefined && <p class="note note-bad">{findError.value}</p>}
        {standing !== undefined && (
          <p class="note standing">
            <PlayerName name={standing.player} /> is number {count(standing.rank)}
          </p>
        )}
      </div>
      {standing !== undefined && (
        <>
          <EntryRows
            entries={standing.around}
            marked={standing.player}
            choose={(player) => void findPlayer(player)}
            label="Neighbourhood"
          />
          <button type="button" class="quiet" onClick={forgetFound}>
            Close
          </button>
        </>
      )}
    </section>
  );
}
