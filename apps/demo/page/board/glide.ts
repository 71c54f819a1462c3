/** Lets the rows of a list glide from where they stood to where they stand now. Nothing moves for who asked for less motion. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';

const GLIDE_MS = 320;
const still = matchMedia('(prefers-reduced-motion: reduce)');

/** For a list whose rows carry `data-player`; call it on each render. */
export function useGlide(list: RefObject<HTMLElement | null>): void {
  const stood = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const stands = new Map<string, number>();
    for (const row of list.current?.querySelectorAll<HTMLElement>('[data-player]') ?? []) {
      const player = row.dataset['player'] ?? '';
      const { offsetTop } = row;
      stands.set(player, offsetTop);
      const before = stood.current.get(player);
      if (before === undefined || before === offsetTop || still.matches) continue;
      row.animate([{ transform: `translateY(${before - offsetTop}px)` }, { transform: 'none' }], {
        duration: GLIDE_MS,
        easing: 'cubic-bezier(0.2, 0.7, 0.2, 1)',
      });
    }
    stood.current = stands;
  });
}
