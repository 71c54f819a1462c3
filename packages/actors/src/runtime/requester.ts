/**
 * Who a command was run for, as one number: with the request's number it names the request in outbox entries and tables.
 *
 * ```
 * 0 …    the client that waits for the reply
 * −1     nobody: a reminder
 * −2 …   client −2 − n, which does not wait (tell)
 * ```
 */
export const NOBODY = -1;

/** The requester of a tell of `client`. */
export function tellerOf(client: number): number {
  return -2 - client;
}

/** True when a reply is to be sent. */
export function isAnswered(requester: number): boolean {
  return requester >= 0;
}
