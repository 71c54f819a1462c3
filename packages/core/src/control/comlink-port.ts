/**
 * comlink over Node's message ports: the control plane only, at 10 µs to 85 µs a call. Errors cross as bytes and come back as
 * the class that they were, which comlink alone would not do.
 */
import type { MessagePort } from 'node:worker_threads';
import { PackReader } from '../codec/pack-reader.ts';
import { PackWriter } from '../codec/pack-writer.ts';
import { decodeError, encodeError } from '../errors/error-bytes.ts';
import { type Endpoint, expose, transfer, wrap } from 'comlink';
// @ts-expect-error comlink ships no types for its Node adapter
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';

/** An object whose methods are called from another thread. */
export type ControlApi<T> = { readonly [K in keyof T]: (...args: never[]) => Promise<unknown> };

type Outcome = { readonly value: unknown } | { readonly error: Uint8Array };

interface Answering {
  invoke(method: string, args: readonly unknown[]): Promise<Outcome>;
}

const toEndpoint = nodeEndpoint as (port: MessagePort) => Endpoint;

/** Answers calls that arrive at the port with the methods of `api`. */
export function serveControl<T extends ControlApi<T>>(port: MessagePort, api: T): void {
  const answering: Answering = {
    async invoke(method, args) {
      try {
        if (!Object.hasOwn(api, method)) throw new Error(`${method} is no method of the control plane`);
        return {
          value: await (api[method as keyof T] as unknown as (...given: readonly unknown[]) => Promise<unknown>)(
            ...args,
          ),
        };
      } catch (error) {
        const writer = PackWriter.growing();
        encodeError(writer, error);
        return { error: writer.written().slice() };
      }
    },
  };
  expose(
    {
      invoke: (method: string, count: number, first: unknown, second: unknown) =>
        answering.invoke(method, [first, second].slice(0, count)),
    },
    toEndpoint(port),
  );
}

/** Calls the object that the port's other side serves; methods take at most two arguments. */
export function callControl<T extends ControlApi<T>>(port: MessagePort): T {
  const remote = wrap<{ invoke(method: string, count: number, first: unknown, second: unknown): Promise<Outcome> }>(
    toEndpoint(port),
  );
  const methods = new Map<string, (...args: readonly unknown[]) => Promise<unknown>>();
  return new Proxy({} as T, {
    get(_target, name) {
      // Not a promise itself.
      if (typeof name !== 'string' || name === 'then') return undefined;
      let method = methods.get(name);
      if (method === undefined) {
        method = async (...args) => {
          const outcome = await remote.invoke(name, args.length, args[0], args[1]);
          if ('error' in outcome) throw decodeError(new PackReader(outcome.error));
          return outcome.value;
        };
        methods.set(name, method);
      }
      return method;
    },
  });
}

/** Marks a port to be handed over with the call that it is an argument of. */
export function handOver(port: MessagePort): MessagePort {
  return transfer(port, [port as never]);
}
