/**
 * Server-sent events. A stream writes one event, waits until it has left, then writes the next: a slow client gets the latest
 * state less often, and nothing piles up. The number of streams is bounded; all end when the server stops.
 */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { HttpError } from './http-error.ts';

const STREAMS_MAX = 500;
const HEARTBEAT_MS = 15_000;

export type Send = (event: string, data: unknown) => Promise<void>;

export class EventStreams {
  private readonly open_ = new Set<AbortController>();
  private closed = false;

  /** Answers with a stream that `run` writes until it returns or `signal` is aborted. */
  open(context: Context, run: (send: Send, signal: AbortSignal) => Promise<void>): Response {
    if (this.closed) throw new HttpError(503, 'CLOSING', 'the server is stopping');
    if (this.open_.size >= STREAMS_MAX)
      throw new HttpError(503, 'TOO_MANY_STREAMS', `${STREAMS_MAX} event streams are open: try later`);
    const controller = new AbortController();
    this.open_.add(controller);
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => controller.abort());
      const heartbeat = setInterval(() => void stream.write(': alive\n\n'), HEARTBEAT_MS);
      try {
        await stream.write(': welcome\n\n');
        await run(async (event, data) => {
          if (!controller.signal.aborted) await stream.writeSSE({ event, data: JSON.stringify(data) });
        }, controller.signal);
      } finally {
        clearInterval(heartbeat);
        controller.abort();
        this.open_.delete(controller);
      }
    });
  }

  closeAll(): void {
    this.closed = true;
    for (const controller of this.open_) controller.abort();
  }
}

/** Waits, or less when the stream ends. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = setTimeout(settle, ms);
    signal.addEventListener('abort', settle);
    if (signal.aborted) settle();
  });
}
