/**
 * The state object of a command: accessors for scalars, facades for structures. One class for each actor type, made once in a
 * thread, so that handlers see plain properties of one shape.
 */
import { KeptMapTurnFacade } from './kept-map-turn.ts';
import { MapTurnFacade } from './map-turn.ts';
import { RankingTurnFacade } from './ranking-turn.ts';
import type { StateLayout, StructureSlot } from './state-layout.ts';
import type { StateOwner } from './state-owner.ts';

type StructureTurn = RankingTurnFacade | MapTurnFacade;

const OWNER = Symbol('activation');

interface Owned {
  readonly [OWNER]: StateOwner;
}

const classes = new WeakMap<StateLayout, new (owner: StateOwner) => object>();

export function createWritableState(owner: StateOwner, layout: StateLayout): object {
  let State = classes.get(layout);
  if (State === undefined) {
    State = stateClass(layout);
    classes.set(layout, State);
  }
  return new State(owner);
}

function stateClass(layout: StateLayout): new (owner: StateOwner) => object {
  class State {
    readonly [OWNER]: StateOwner;
    constructor(owner: StateOwner) {
      this[OWNER] = owner;
      Object.preventExtensions(this);
    }
  }
  for (const slot of layout.scalars) {
    Object.defineProperty(State.prototype, slot.name, {
      enumerable: true,
      get(this: Owned): unknown {
        return this[OWNER].get(slot);
      },
      set(this: Owned, value: unknown) {
        this[OWNER].set(slot, value);
      },
    });
  }
  for (const slot of layout.structures) {
    Object.defineProperty(State.prototype, slot.name, {
      enumerable: true,
      get(this: Owned): object {
        const owner = this[OWNER];
        return owner.structure(slot, () => makeFacade(owner, slot));
      },
    });
  }
  return State;
}

function makeFacade(owner: StateOwner, slot: StructureSlot): StructureTurn {
  if (slot.field.kind === 'ranking') return new RankingTurnFacade(owner, slot);
  const kept = slot.entry?.kept;
  return kept === undefined ? new MapTurnFacade(owner, slot) : new KeptMapTurnFacade(owner, slot, kept);
}
