import { computed, signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { pathPart, sentenceOf } from '../api/request.ts';
import { count } from '../look/numbers.ts';
import { boards, currentBoard, openBoard, refreshBoards } from '../state/current-board.ts';
import { top } from '../state/live-top.ts';

const naming = signal(false);
const refused = signal<string | undefined>(undefined);
/** Players of the current board: they come live, those of the others from the last look at the list. */
const livePlayers = computed(() => top.value?.players);

/** The boards there are, and a name for another one. */
export function BoardSwitch() {
  const select = useRef<HTMLSelectElement>(null);
  const current = currentBoard.value;
  const known = current === undefined || boards.value.some(({ name }) => name === current);
  return (
    <div class="board-switch">
      <label class="field">
        <span>Board</span>
        <select
          ref={select}
          name="board"
          value={current ?? ''}
          onFocus={() => void refreshBoards()}
          onChange={(event) => openBoard(event.currentTarget.value)}
        >
          {!known && <option value={current}>{current}</option>}
          {boards.value.map(({ name, players }) => (
            <option key={name} value={name}>
              {name} ({count(name === current ? (livePlayers.value ?? players) : players)})
            </option>
          ))}
        </select>
      </label>
      {naming.value ? (
        <NewBoard select={select} />
      ) : (
        <button
          type="button"
          onClick={() => {
            naming.value = true;
          }}
        >
          New board
        </button>
      )}
    </div>
  );
}

function NewBoard({ select }: { readonly select: RefObject<HTMLSelectElement | null> }) {
  const input = useRef<HTMLInputElement>(null);
  // Before the next key, which belongs to the name.
  useLayoutEffect(() => input.current?.focus(), []);
  const close = (): void => {
    naming.value = false;
    refused.value = undefined;
    select.current?.focus();
  };
  return (
    <form
      class="line"
      onSubmit={(event) => {
        event.preventDefault();
        const name = input.current?.value ?? '';
        try {
          pathPart(name);
        } catch (error) {
          refused.value = sentenceOf(error);
          return;
        }
        openBoard(name);
        close();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <label class="field">
        <span>Name of the new board</span>
        <input
          ref={input}
          name="new-board"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          dir="auto"
          required
        />
      </label>
      <button type="submit">Open</button>
      {refused.value !== undefined && (
        <p class="note note-bad" role="alert">
          {refused.value}
        </p>
      )}
    </form>
  );
}
