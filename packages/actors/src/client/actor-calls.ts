/** Call objects: a method for each handler, made once for each actor type and thread. */
import { inspect } from 'node:util';
import {
  AbortedError,
  durationOption,
  InvalidOptionError,
  OutcomeUnknownError,
  PackWriter,
  resolveOptions,
  writeValue,
} from '@spacegrid/core';
import {
  ACK_DEFAULT,
  ACK_DURABLE,
  ACK_MEMORY,
  FLAG_ONCE,
  FLAG_PATH,
  FLAG_TELL,
  KIND_COMMAND,
  KIND_QUERY,
  packHead,
} from '../control/frames.ts';
import type { ActorType, CompiledHandler } from '../define/actor-type.ts';
import type { CallSubject } from './call-subject.ts';
import type { CallOptions, WaitOptions } from './call-options.ts';
import type { ClientThread } from './client-thread.ts';
import type { Request } from './request.ts';
import type { Route } from './route.ts';

/** A call's options, resolved. */
export interface CallSettings {
  readonly ack: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly flags: number;
  readonly extra: Uint8Array | undefined;
  readonly whenFull: 'wait' | 'fail';
  /** Answers carry a receipt. */
  readonly receipt: boolean;
  /** The actors that wait for the call, outermost first. */
  readonly path: readonly string[];
  /** Told before a command is sent: of calls by actors. */
  readonly beforeCommand: (() => void) | undefined;
}

export interface CallTarget extends CallSubject {
  readonly client: ClientThread;
  readonly route: Route;
  readonly settings: CallSettings;
}

type CallsClass = new (target: CallTarget) => object;

/** Where an object of handlers by name keeps what they are called on. */
export const TARGET: unique symbol = Symbol('target');
const callClasses = new WeakMap<ActorType, CallsClass>();
const callClassesWithMany = new WeakMap<ActorType, CallsClass>();
const tellClasses = new WeakMap<ActorType, CallsClass>();

/** An object with a method for each command and query, answering by promise. */
export function createCalls(target: CallTarget): object {
  return create(callClasses, target, () => true, call);
}

/** The same, and `many` beside it. */
export function createCallsWithMany(target: CallTarget, many: (target: CallTarget) => object): object {
  return create(
    callClassesWithMany,
    target,
    () => true,
    call,
    (prototype) =>
      Object.defineProperty(prototype, 'many', {
        get(this: { readonly [TARGET]: CallTarget }) {
          return many(this[TARGET]);
        },
      }),
  );
}

/** An object with a method for each command, answering nothing. */
export function createTells(target: CallTarget): object {
  return create(tellClasses, target, (handler) => handler.command, tell);
}

export function call(target: CallTarget, handler: CompiledHandler, args: readonly unknown[]): Promise<unknown> {
  const { client, settings } = target;
  if (handler.command && settings.beforeCommand !== undefined) settings.beforeCommand();
  const request = requestOf(target, handler, args);
  if (settings.signal === undefined) return client.call(request, settings.whenFull);
  return callWithSignal(client, request, settings.whenFull, settings.signal);
}

/** What is sent for a call. */
export function requestOf(target: CallTarget, handler: CompiledHandler, args: readonly unknown[]): Request {
  const { route, settings } = target;
  const kind = handler.command ? KIND_COMMAND : KIND_QUERY;
  return {
    partition: route.partition,
    head: packHead(kind, settings.ack, route.type.index, handler.index, settings.flags),
    key: route.keyBytes,
    args,
    extra: settings.extra,
    timeoutMs: settings.timeoutMs,
    receipt: settings.receipt,
    subject: target,
    handler,
  };
}

function tell(target: CallTarget, handler: CompiledHandler, args: readonly unknown[]): void {
  const { client, route } = target;
  client.post(client.nextTell(), {
    partition: route.partition,
    head: packHead(KIND_COMMAND, ACK_MEMORY, route.type.index, handler.index, FLAG_TELL),
    key: route.keyBytes,
    args,
    extra: undefined,
    timeoutMs: 0,
    receipt: false,
    subject: undefined,
    handler: undefined,
  });
}

/** A call that is given up when `signal` is aborted. */
export function callWithSignal(
  client: ClientThread,
  request: Request,
  whenFull: 'wait' | 'fail',
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted)
    return Promise.reject(new AbortedError('the call was given up before it was sent', { cause: signal.reason }));
  const promise = client.call(request, whenFull);
  const number = client.calls.lastNumber;
  const abort = (): void => giveUp(client, number, signal);
  signal.addEventListener('abort', abort, { once: true });
  const remove = (): void => signal.removeEventListener('abort', abort);
  promise.then(remove, remove);
  return promise;
}

/** The caller's signal ended a call that waits. */
export function giveUp(client: ClientThread, number: number, signal: AbortSignal): void {
  const name = client.nameOf(number);
  const error = client.cancel(number)
    ? new AbortedError(`${name} was given up and did not run`, { cause: signal.reason })
    : new OutcomeUnknownError(`${name} was given up after it was started: it may have run`, { cause: signal.reason });
  client.calls.reject(number, error);
}

function create(
  classes: WeakMap<ActorType, CallsClass>,
  target: CallTarget,
  include: (handler: CompiledHandler) => boolean,
  invoke: (target: CallTarget, handler: CompiledHandler, args: readonly unknown[]) => unknown,
  extend: (prototype: object) => void = () => undefined,
): object {
  const { type } = target.route;
  let Calls = classes.get(type);
  if (Calls === undefined) {
    Calls = class {
      readonly [TARGET]: CallTarget;
      constructor(own: CallTarget) {
        this[TARGET] = own;
      }
    };
    for (const handler of type.handlers) {
      if (!include(handler)) continue;
      Object.defineProperty(Calls.prototype, handler.name, {
        value(this: { readonly [TARGET]: CallTarget }, ...args: readonly unknown[]): unknown {
          return invoke(this[TARGET], handler, args);
        },
      });
    }
    extend(Calls.prototype as object);
    classes.set(type, Calls);
  }
  return new Calls(target);
}

export function defaultSettings(timeoutMs: number): CallSettings {
  return {
    ack: ACK_DEFAULT,
    timeoutMs,
    signal: undefined,
    flags: 0,
    extra: undefined,
    whenFull: 'wait',
    receipt: false,
    path: [],
    beforeCommand: undefined,
  };
}

const KNOWN = new Set(['ack', 'timeout', 'signal', 'once', 'receipt', 'whenFull']);
const ONCE_UNITS_MAX = 256;

/** Throws InvalidOptionError naming option, value and what is allowed. */
export function settingsOf(options: CallOptions, defaults: CallSettings, persistent: boolean): CallSettings {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError(
      `with takes its options in a record, such as { ack: 'durable' }: got ${String(options)}`,
    );
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name))
      throw new InvalidOptionError(`with({ ${name} }): a call has the options ${[...KNOWN].join(', ')}`);
  }
  const { ack, signal, once, receipt, whenFull } = options;
  const timeoutMs = checkWait('with', options);
  if (receipt !== undefined && typeof receipt !== 'boolean')
    throw new InvalidOptionError(`with({ receipt: ${inspect(receipt)} }): allowed are true and false`);
  if (whenFull !== undefined && whenFull !== 'wait' && whenFull !== 'fail') {
    throw new InvalidOptionError(`with({ whenFull: ${inspect(whenFull)} }): allowed are 'wait' and 'fail'`);
  }
  let extra: Uint8Array | undefined;
  if (once !== undefined) {
    if (typeof once !== 'string' || once.length === 0 || once.length > ONCE_UNITS_MAX || once.startsWith('\u0001')) {
      throw new InvalidOptionError(`with({ once }): a text of 1 to ${ONCE_UNITS_MAX} characters is needed`);
    }
    extra = packedBytes(once);
  }
  return {
    ack: ack === undefined ? defaults.ack : ackCode(ack, persistent),
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    signal,
    flags: once === undefined ? 0 : FLAG_ONCE,
    extra,
    whenFull: whenFull ?? defaults.whenFull,
    receipt: receipt ?? defaults.receipt,
    path: defaults.path,
    beforeCommand: defaults.beforeCommand,
  };
}

/** Returns the timeout's milliseconds. Throws InvalidOptionError for an unknown name, and for a time or signal that is none. */
export function checkWaitOptions(owner: string, options: WaitOptions): number | undefined {
  for (const name of Object.keys(options)) {
    if (name !== 'timeout' && name !== 'signal')
      throw new InvalidOptionError(`${owner} has no option ${name}: it has timeout and signal`);
  }
  return checkWait(owner, options);
}

const TIMEOUT = { timeout: durationOption({ min: 1, max: 2 ** 31 }) };

function checkWait(owner: string, { timeout, signal }: WaitOptions): number | undefined {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidOptionError(`${owner}({ signal }): an AbortSignal is needed`);
  // Not through the options' resolution: fractions of a millisecond are allowed.
  if (timeout === undefined || (typeof timeout === 'number' && timeout > 0 && timeout <= 2 ** 31)) return timeout;
  return resolveOptions(owner, { timeout }, TIMEOUT).timeout;
}

/** The default settings with the path of callers: for calls between actors. */
export function settingsWithPath(path: readonly string[], timeoutMs: number, beforeCommand: () => void): CallSettings {
  return { ...defaultSettings(timeoutMs), flags: FLAG_PATH, extra: packedBytes(path), path, beforeCommand };
}

/** For stored messages: they wait as long as it takes, and take effect once. */
export function settingsWithOnce(once: string): CallSettings {
  return { ...defaultSettings(0), flags: FLAG_ONCE, extra: packedBytes(once) };
}

function ackCode(ack: unknown, persistent: boolean): number {
  if (ack === 'memory') return ACK_MEMORY;
  if (ack === 'durable') {
    if (persistent) return ACK_DURABLE;
    throw new InvalidOptionError("with({ ack: 'durable' }): the grid has no persistence, give createGrid one");
  }
  if (ack === 'replicated' || ack === 'durable-all')
    throw new InvalidOptionError(
      `with({ ack: '${ack}' }): this level needs a cluster; on one node there are 'memory' and 'durable'`,
    );
  throw new InvalidOptionError(`with({ ack: ${String(ack)} }): allowed are 'memory' and 'durable'`);
}

function packedBytes(value: unknown): Uint8Array {
  const writer = PackWriter.growing();
  writeValue(writer, value);
  return writer.written().slice();
}
