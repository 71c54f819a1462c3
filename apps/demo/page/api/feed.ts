/**
 * One stream of server-sent events that comes back by itself: a lost or refused connection is opened again after a pause that
 * doubles up to a limit.
 */

export type FeedState = 'connecting' | 'live' | 'lost';

export interface FeedOptions {
  readonly path: string;
  readonly event: string;
  readonly receive: (data: unknown) => void;
  readonly changed: (state: FeedState) => void;
}

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 2000;

/** Opens the feed; the returned function closes it for good. */
export function openFeed({ path, event, receive, changed }: FeedOptions): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = PAUSE_MS_MIN;

  const connect = (): void => {
    source = new EventSource(path);
    source.addEventListener('open', () => {
      pauseMs = PAUSE_MS_MIN;
      changed('live');
    });
    source.addEventListener(event, (message: MessageEvent<string>) => receive(JSON.parse(message.data)));
    source.addEventListener('error', () => {
      source?.close();
      changed('lost');
      retry = setTimeout(connect, pauseMs);
      pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
    });
  };

  changed('connecting');
  connect();
  return () => {
    clearTimeout(retry);
    source?.close();
  };
}
