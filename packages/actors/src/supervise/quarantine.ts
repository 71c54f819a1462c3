/** Counts the deaths that an actor was running in: three within a minute set it aside, so that its worker can go on. */
import type { RunningActor } from '../runtime/running-mark.ts';

const DEATHS = 3;
const WINDOW_MS = 60_000;
const BLAMED_MAX = 1000;

export class Quarantine {
  private readonly deaths = new Map<string, { actor: RunningActor; at: number[] }>();

  /** True when this death sets the actor aside. */
  blame(actor: RunningActor, nowMs: number): boolean {
    const id = `${actor.type}/${actor.partition}/${actor.keyHash}`;
    const entry = this.deaths.get(id) ?? { actor, at: [] };
    entry.at = entry.at.filter((at) => nowMs - at < WINDOW_MS);
    entry.at.push(nowMs);
    this.deaths.delete(id);
    this.deaths.set(id, entry);
    if (this.deaths.size > BLAMED_MAX) this.deaths.delete(this.deaths.keys().next().value as string);
    return entry.at.length === DEATHS;
  }

  /** The actors set aside now. */
  list(nowMs: number): readonly RunningActor[] {
    return [...this.deaths.values()]
      .filter(({ at }) => at.filter((time) => nowMs - time < WINDOW_MS).length >= DEATHS)
      .map(({ actor }) => actor);
  }
}
