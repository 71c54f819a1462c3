import { InvalidDefinitionError } from '@spacegrid/core';
import type { OffloadTask } from './offload-task.ts';
import type { StateFields } from './state-fields.ts';
import type { ReadableState, WritableState } from './state-views.ts';

/** When a reply may leave: committed in memory, or synced to disk as well. The levels of a cluster need one. */
export type AckLevel = 'memory' | 'replicated' | 'durable' | 'durable-all';

/** What becomes of the state of an actor that is idle. */
export type WhenIdle = 'keep' | 'unload';

/** What a command is given first. */
export interface Turn<S extends StateFields> {
  readonly key: string;
  /** Writable in a synchronous command; in an asynchronous one only inside `step`. */
  readonly state: WritableState<S>;
  /** Wall-clock milliseconds, fixed for the turn and never below the partition's last. */
  readonly now: number;
  /** One atomic turn of an asynchronous command: all of it or, if it throws, none. Synchronous functions only. */
  step<R>(change: (state: WritableState<S>) => R): R;
  /**
   * Another actor, to be awaited: each call is a turn of its own there, at the ack level of that actor, within 5 s. A call that
   * leads back to an actor that waits is refused (CALL_CYCLE).
   */
  actor<D extends AnyDefinition>(definition: D, key: string): ActorCalls<D>;
  /**
   * Sends a command that leaves with this turn: if the turn commits it arrives, once; nothing is awaited. What it throws is told
   * to the grid's `logger` only. At most 10,000 a turn.
   */
  send<D extends AnyDefinition>(definition: D, key: string): ActorSends<D>;
  /**
   * Schedules a command of this actor in `delayMs`, and returns the reminder's id. Reminders are state: they commit with the turn
   * and survive with it. Throws InvalidDefinitionError for a command that the actor does not have.
   */
  after(delayMs: number, command: string, ...args: readonly unknown[]): string;
  /** The same at a time, in wall-clock milliseconds as `now`; one that has passed is due at once. */
  at(timeMs: number, command: string, ...args: readonly unknown[]): string;
  /** The same again and again, first after one period of at least 10 ms; periods that were missed fire once. */
  every(periodMs: number, command: string, ...args: readonly unknown[]): string;
  /** Forgets a reminder by the id that after, at or every returned. */
  cancel(reminder: string): boolean;
  /** Removes the actor: its state is the initial one again, and takes no memory. Reminders stay: cancel those not wanted. */
  forget(): void;
  /** Runs stateless work in the pool, off the partition thread. Awaited: asynchronous commands only. */
  offload<A, R>(task: OffloadTask<A, R>, input: A): Promise<R>;
}

/** What a query is given first. */
export interface View<S extends StateFields> {
  readonly key: string;
  readonly state: ReadableState<S>;
}

export type Commands<S extends StateFields> = Record<string, (turn: Turn<S>, ...args: never[]) => unknown>;
export type Queries<S extends StateFields> = Record<string, (view: View<S>, ...args: never[]) => unknown>;

/** By version: from the fields of the version before to those of this one. */
export type StateMigrations = Readonly<
  Record<number, (old: Readonly<Record<string, unknown>>) => Record<string, unknown>>
>;

export type EntryMigrations = Readonly<Record<string, StateMigrations>>;

export interface ActorOptions<S extends StateFields> {
  /**
   * Version of the stored state's shape, from 1. Raise it with a migration whenever fields, their order or their kinds change:
   * a grid does not start on stored state of another shape (SCHEMA_VERSION). Default 1.
   */
  readonly version?: number;
  /**
   * How the state's own fields come from the version before to the one named: `{ 2: (old) => ({ ...old, tier: 0 }) }`. A field
   * that is left out gets its initial value; one that the state does not have is an error. Run when stored actors are loaded;
   * their rows stay as they are until the actor is next written.
   */
  readonly migrations?: StateMigrations;
  /**
   * The same for the entries of maps, by the map's name: `{ notes: { 2: (old) => … } }`. Entries without one keep the fields
   * that still have the same name and get the initial values of others. What one returns beyond the entry's fields is dropped.
   */
  readonly entryMigrations?: EntryMigrations;
  /** Keys with the same result share a partition. Default: the key itself. */
  readonly partitionBy?: (key: string) => string;
  /** Default ack level of the commands. Default: the grid's. */
  readonly ack?: AckLevel;
  /** Called on the partition thread when the first call reaches an inactive actor; may read only. */
  onActivate?(view: View<S>): void;
  /** Called before an idle actor is forgotten by its thread; may read only. Not called when the thread dies. */
  onPassivate?(view: View<S>): void;
  /** An actor without calls for this long is passivated. Default 60,000 ms. */
  readonly idleMs?: number;
  /**
   * What happens to the state of an actor that nobody called, peeked or watched for `idleMs`. `'keep'`: it stays in memory.
   * `'unload'`: its memory is given back once all of it stands in the store, and earlier where memory is nearly full, the longest
   * unused first; the next call, watch, message or reminder loads it, and waits for that. Until then a peek throws
   * PeekUnavailableError, and `peekOrAsk` asks. A start loads no such actor, so there may be more of them than memory holds. Needs
   * a grid with persistence (INVALID_OPTION). A call whose actor can't be loaded fails with ACTIVATION_FAILED, whose `cause` says
   * why; the actor stays as it is stored. Default `'keep'`.
   */
  readonly whenIdle?: WhenIdle;
}

export interface ActorSpec<S extends StateFields, C, Q> extends ActorOptions<S> {
  readonly state: S;
  readonly commands?: C;
  readonly queries?: Q;
}

export interface ActorDefinition<N extends string, S extends StateFields, C, Q> {
  readonly name: N;
  readonly spec: ActorSpec<S, C, Q>;
}

export type AnyDefinition = ActorDefinition<string, StateFields, unknown, unknown>;

type Arguments<F> = F extends (first: never, ...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

export type CommandsOf<D> = D extends ActorDefinition<string, infer _S, infer C, infer _Q> ? C : never;
export type QueriesOf<D> = D extends ActorDefinition<string, infer _S, infer _C, infer Q> ? Q : never;

/** Commands and queries of an actor as calls that answer by promise. */
export type ActorCalls<D> = {
  readonly [K in keyof CommandsOf<D>]: (...args: Arguments<CommandsOf<D>[K]>) => Promise<Result<CommandsOf<D>[K]>>;
} & {
  readonly [K in keyof QueriesOf<D>]: (...args: Arguments<QueriesOf<D>[K]>) => Promise<Result<QueriesOf<D>[K]>>;
};

export type ActorSends<D> = {
  readonly [K in keyof CommandsOf<D>]: (...args: Arguments<CommandsOf<D>[K]>) => void;
};

/** Queries of an actor, run here and now. */
export type ActorPeeks<D> = {
  readonly [K in keyof QueriesOf<D>]: (...args: Arguments<QueriesOf<D>[K]>) => Result<QueriesOf<D>[K]>;
};

const asyncPrototype: unknown = Object.getPrototypeOf(async () => undefined);
const NAME = /^[a-z][a-z0-9-]{0,62}$/;
const HANDLER = /^[A-Za-z_$][\w$]{0,62}$/;
const RESERVED = new Set([
  'then',
  'catch',
  'finally',
  'constructor',
  'prototype',
  '__proto__',
  'peek',
  'peekMany',
  'peekOrAsk',
  'many',
  'watch',
  'with',
  'pressure',
  'key',
  'definition',
  'tell',
]);

/**
 * Defines a kind of actor: state, commands that may change it, queries that read it. Types are inferred from the literal.
 * Throws InvalidDefinitionError (INVALID_DEFINITION) naming what is wrong.
 */
export function defineActor<
  const N extends string,
  S extends StateFields,
  C extends Commands<NoInfer<S>>,
  Q extends Queries<NoInfer<S>>,
>(name: N, spec: ActorSpec<S, C, Q>): ActorDefinition<N, S, C, Q> {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new InvalidDefinitionError(
      `actor name ${JSON.stringify(name)}: allowed are lower-case letters, digits and hyphens, beginning with a letter, at most 63`,
    );
  }
  if (typeof spec !== 'object' || spec === null || typeof spec.state !== 'object' || spec.state === null) {
    throw new InvalidDefinitionError(`actor ${name} has no state: give { state, commands, queries }`);
  }
  checkOptions(name, spec);
  const seen = new Set<string>();
  for (const group of ['commands', 'queries'] as const) {
    for (const [handler, run] of Object.entries(spec[group] ?? {})) {
      if (typeof run !== 'function')
        throw new InvalidDefinitionError(`${group}.${handler} of actor ${name} is not a function`);
      if (!HANDLER.test(handler) || RESERVED.has(handler)) {
        throw new InvalidDefinitionError(
          `${group}.${handler} of actor ${name}: this name is reserved or not an identifier`,
        );
      }
      if (seen.has(handler))
        throw new InvalidDefinitionError(`${handler} of actor ${name} is both a command and a query`);
      if (group === 'queries' && Object.getPrototypeOf(run) === asyncPrototype) {
        throw new InvalidDefinitionError(
          `query ${handler} of actor ${name} is asynchronous: a query answers at once from its state`,
        );
      }
      seen.add(handler);
    }
  }
  return Object.freeze({ name, spec: Object.freeze({ ...spec }) });
}

const ACKS: readonly unknown[] = ['memory', 'replicated', 'durable', 'durable-all'];
const CHECKS: Readonly<Record<string, readonly [allowed: string, fits: (value: unknown) => boolean]>> = {
  state: ['an object', isObject],
  commands: ['an object of functions', isObject],
  queries: ['an object of functions', isObject],
  version: ['a whole number from 1', (value) => Number.isInteger(value) && (value as number) >= 1],
  migrations: ['an object of functions', isObject],
  entryMigrations: ['an object of maps by name', isObject],
  partitionBy: ['a function of the key', isFunction],
  ack: ["'memory', 'durable', 'replicated' or 'durable-all'", (value) => ACKS.includes(value)],
  onActivate: ['a function', isFunction],
  onPassivate: ['a function', isFunction],
  idleMs: ['milliseconds above 0', (value) => typeof value === 'number' && value > 0],
  whenIdle: ["'keep' or 'unload'", (value) => value === 'keep' || value === 'unload'],
};

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function checkOptions(name: string, spec: object): void {
  for (const [option, value] of Object.entries(spec)) {
    const check = Object.hasOwn(CHECKS, option) ? CHECKS[option] : undefined;
    if (check === undefined)
      throw new InvalidDefinitionError(
        `actor ${name} has an option ${option}: there are ${Object.keys(CHECKS).join(', ')}`,
      );
    if (value !== undefined && !check[1](value))
      throw new InvalidDefinitionError(`${option} of actor ${name} is ${String(value)}: ${check[0]} is needed`);
  }
}
