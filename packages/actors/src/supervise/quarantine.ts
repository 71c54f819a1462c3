/** Counts the deaths that an actor was running in: three within a minute set it aside, so that its worker can go on. */
import type { RunningActor } from '../runtime/running-mark.ts';

const DEATHS = 3;
const WINDOW_MS = 60_000;
const BLAMED_MAX = 1000;

export class Quarantine {
  /** Bound: each took three deaths of a worker, which is given up after twenty in a minute. */
  private readonly setAside = new Map<string, RunningActor>();
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
    if (entry.at.length < DEATHS || this.setAside.has(id)) return false;
    this.setAside.set(id, actor);
    return true;
  }

  /** The actors set aside, until the grid is started again. */
  list(): readonly RunningActor[] {
    return [...this.setAside.values()];
  }
}
