import type { Move } from '../state/live-top.ts';

/** An arrow and how many ranks; nothing for who has not moved. */
export function Movement({ move }: { readonly move: Move | undefined }) {
  if (move === undefined) return <span class="move" />;
  const { gained } = move;
  if (gained === undefined)
    return (
      <span class="move move-new" title="new in this list">
        new
      </span>
    );
  const up = gained > 0;
  const ranks = Math.abs(gained);
  return (
    <span class={`move ${up ? 'move-up' : 'move-down'}`} title={`${up ? 'up' : 'down'} ${ranks}`}>
      <span aria-hidden="true">{up ? '▲' : '▼'}</span>
      {ranks}
      <span class="for-readers">{up ? ' up' : ' down'}</span>
    </span>
  );
}
