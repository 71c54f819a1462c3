/** A counter in a worker thread behind `postMessage`, with a promise for each call. */
import { Worker } from 'node:worker_threads';

export interface EchoRequest {
  readonly number: number;
  readonly by: number;
}

export interface EchoReply {
  readonly number: number;
  readonly count: number;
}

/** Most calls under way; a power of two. */
const CALLS_MAX = 4096;

export interface PostMessagePeer {
  add(by: number): Promise<number>;
  close(): Promise<void>;
}

export function startPostMessagePeer(): PostMessagePeer {
  const worker = new Worker(moduleUrl('./echo-thread'), { name: 'bench-post-message' });
  const resolves = new Array<((count: number) => void) | undefined>(CALLS_MAX).fill(undefined);
  let next = 0;
  worker.on('message', ({ number, count }: EchoReply) => resolves[number & (CALLS_MAX - 1)]?.(count));
  return {
    add(by) {
      return new Promise((resolve) => {
        const request: EchoRequest = { number: next++, by };
        resolves[request.number & (CALLS_MAX - 1)] = resolve;
        worker.postMessage(request);
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** A module beside this one, with this one's extension. */
function moduleUrl(name: string): URL {
  return new URL(`${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}
