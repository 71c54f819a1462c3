/** A worker thread as people write one by hand: adds what it is sent and posts the sum back. */
import { parentPort } from 'node:worker_threads';
import type { EchoReply, EchoRequest } from './post-message.ts';

let count = 0;
parentPort?.on('message', ({ number, by }: EchoRequest) => {
  count += by;
  const reply: EchoReply = { number, count };
  parentPort?.postMessage(reply);
});
