/** Where lines go: into a running demo over HTTP, or straight into the folder of a stopped one. */
import { Boards } from '../grid/boards.ts';
import { openGrid } from '../grid/open-grid.ts';
import { runningAddress } from '../running-address.ts';

export interface ImportTarget {
  readonly name: string;
  /** Calls under way at a time: more than one only where they arrive in order. */
  readonly window: number;
  /** Lines of a call, and bytes. */
  readonly linesMax: number;
  readonly bytesMax: number;
  /** How many lines of the file are counted already. */
  counted(digest: string): Promise<number>;
  /** Adds lines; those that are counted already are passed over. Returns how many are counted then. */
  add(digest: string, from: number, players: readonly string[], points: readonly number[]): Promise<number>;
  /** Makes all of it durable and lets go. */
  close(): Promise<void>;
}

export async function openTarget(dataDirectory: string, board: string): Promise<ImportTarget> {
  const address = await runningAddress(dataDirectory);
  return address === undefined ? openFolder(dataDirectory, board) : openRunning(address, board);
}

async function openFolder(dataDirectory: string, board: string): Promise<ImportTarget> {
  const grid = await openGrid(dataDirectory);
  const boards = new Boards(grid);
  await boards.register(board);
  return {
    name: dataDirectory,
    window: 8,
    linesMax: 2000,
    bytesMax: 60_000,
    counted: (digest) => boards.importedLines(board, digest),
    add: (digest, from, players, points) => boards.importLines(board, digest, from, players, points),
    close: () => grid.close(),
  };
}

function openRunning(address: string, board: string): ImportTarget {
  const url = `${address}/api/boards/${encodeURIComponent(board)}/imports`;
  const lines = async (answer: Response): Promise<number> => {
    const body = (await answer.json()) as { readonly lines?: number; readonly error?: { readonly message: string } };
    if (!answer.ok || body.lines === undefined)
      throw new Error(body.error?.message ?? `${address} answered ${answer.status}`);
    return body.lines;
  };
  return {
    name: address,
    window: 1,
    linesMax: 1000,
    bytesMax: 40_000,
    counted: async (digest) => lines(await fetch(`${url}/${digest}`)),
    add: async (digest, from, players, points) =>
      lines(
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ digest, from, players, points }),
        }),
      ),
    close: () => Promise.resolve(),
  };
}
