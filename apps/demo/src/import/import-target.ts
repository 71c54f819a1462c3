/** Where lines go: into a running demo over HTTP, or straight into the folder of a stopped one. */
import { Boards, type Imported } from '../grid/boards.ts';
import { openGrid } from '../grid/open-grid.ts';
import { startProblem } from '../grid/start-problem.ts';
import { runningAddress } from '../running-address.ts';

export interface ImportTarget {
  readonly name: string;
  /** Calls under way at a time: more than one only where they arrive in order. */
  readonly window: number;
  /** Lines of a call, and their bytes in JSON. */
  readonly linesMax: number;
  readonly bytesMax: number;
  /** How many lines of the file are counted already. */
  counted(digest: string): Promise<number>;
  /** Adds lines; those that are counted already are passed over. */
  add(
    digest: string,
    from: number,
    players: readonly string[],
    points: readonly number[],
    options: { readonly durable: boolean },
  ): Promise<Imported>;
  close(): Promise<void>;
}

export async function openTarget(dataDirectory: string, board: string): Promise<ImportTarget> {
  const address = await runningAddress(dataDirectory);
  return address === undefined ? openFolder(dataDirectory, board) : openRunning(address, board);
}

async function openFolder(dataDirectory: string, board: string): Promise<ImportTarget> {
  const grid = await open(dataDirectory);
  const boards = new Boards(grid);
  return {
    name: dataDirectory,
    window: 8,
    linesMax: 2000,
    bytesMax: 60_000,
    counted: (digest) => boards.importedLines(board, digest),
    add: (digest, from, players, points, options) => boards.importLines(board, digest, from, players, points, options),
    close: () => grid.close(),
  };
}

async function open(dataDirectory: string): ReturnType<typeof openGrid> {
  try {
    return await openGrid(dataDirectory);
  } catch (error) {
    throw new Error(startProblem(error, dataDirectory), { cause: error });
  }
}

function openRunning(address: string, board: string): ImportTarget {
  const url = `${address}/api/boards/${encodeURIComponent(board)}/imports`;
  const answered = async <T>(answer: Response): Promise<T> => {
    const body = (await answer.json()) as T & { readonly error?: { readonly message: string } };
    if (!answer.ok) throw new Error(body.error?.message ?? `${address} answered ${answer.status}`);
    return body;
  };
  return {
    name: address,
    window: 1,
    linesMax: 2000,
    bytesMax: 60_000,
    counted: async (digest) => (await answered<{ readonly lines: number }>(await fetch(`${url}/${digest}`))).lines,
    add: async (digest, from, players, points, { durable }) =>
      answered<Imported>(
        await fetch(durable ? `${url}?ack=durable` : url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ digest, from, players, points }),
        }),
      ),
    close: () => Promise.resolve(),
  };
}
