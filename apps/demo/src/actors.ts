/** The application's actors: boards, and the directory that lists them and bounds their number. */
import { type ActorSends, defineActor, map, ranking } from '@spacegrid/actors';
import { InvalidArgumentError, OverloadedError } from '@spacegrid/core';
import type { Entry } from './http/answers.ts';

/** Most boards of the application. */
export const BOARDS_MAX = 1000;
/** There is one directory. */
export const DIRECTORY_KEY = 'all';

/**
 * Which boards there are. A board with entries is listed: its first entry sends `enlist` in the same turn, so whatever is
 * deleted, submitted or killed in between, it arrives. A listed board may be empty for a while (admitted and not yet written,
 * or cleared): readers pass over those. What is told here is durable before it is answered, since a message that was answered
 * is not sent again.
 */
export const Directory = defineActor('directory', {
  ack: 'durable',
  state: { boards: map({ createdAt: 0, leaving: false }) },
  commands: {
    /** Before the first entry: refused when there are too many. */
    admit(turn, board: string) {
      const { boards } = turn.state;
      if (boards.has(board)) return;
      if (boards.size >= BOARDS_MAX) throw new OverloadedError(`there are ${BOARDS_MAX} boards: delete one first`);
      boards.set(board, { createdAt: turn.now, leaving: false });
    },
    /** Told by a board that has its first entry. Not refused: who wrote it was admitted, before a removal that it outlived. */
    enlist(turn, board: string) {
      const createdAt = turn.state.boards.get(board)?.createdAt ?? turn.now;
      turn.state.boards.set(board, { createdAt, leaving: false });
    },
    /** A removal is under way: what is enlisted from now on stays. */
    beginRemoval(turn, board: string) {
      const listed = turn.state.boards.get(board);
      if (listed !== undefined) turn.state.boards.set(board, { createdAt: listed.createdAt, leaving: true });
    },
    finishRemoval(turn, board: string) {
      if (turn.state.boards.get(board)?.leaving === true) turn.state.boards.delete(board);
    },
  },
  queries: {
    list(view) {
      const listed: { readonly name: string; readonly leaving: boolean }[] = [];
      let cursor: string | undefined;
      // Bound: about BOARDS_MAX entries, 1,000 a step.
      do {
        const page: ReturnType<typeof view.state.boards.scan> = view.state.boards.scan(cursor, 1000);
        for (const [name, { leaving }] of page.entries) listed.push({ name, leaving });
        cursor = page.cursor;
      } while (cursor !== undefined);
      return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  },
});

export const Leaderboard = defineActor('leaderboard', {
  state: {
    entries: ranking({ order: 'desc', ties: 'first-to-reach' }),
    /** The directory was told. */
    listed: false,
    /** Points that simulated players have added: what the load control compares with what it was told. */
    played: 0,
    /** Files that were imported, by digest: how many of their lines are counted. */
    imports: map({ lines: 0 }),
  },
  commands: {
    submit(turn, player: string, points: number) {
      const sum = turn.state.entries.add(player, points);
      enlist(turn);
      return { player, points: sum, rank: turn.state.entries.rank(player) ?? 0 };
    },
    /** A submit of a simulated player. */
    play(turn, player: string, points: number) {
      turn.state.entries.add(player, points);
      turn.state.played += points;
      enlist(turn);
    },
    /**
     * Adds lines `from` … of a file, those that are not counted yet. The points and how far the file is counted change in one
     * turn, so each line counts once, whatever happens in between. Answers how many lines are counted then, and the indexes of
     * those whose sum would have become infinite.
     */
    importLines(turn, digest: string, from: number, players: readonly string[], points: readonly number[]) {
      const counted = turn.state.imports.get(digest)?.lines ?? 0;
      if (from > counted) throw new InvalidArgumentError(`lines from ${from} come before lines from ${counted}`);
      const { entries } = turn.state;
      const refused: number[] = [];
      for (let index = counted - from; index < players.length; index++) {
        const player = players[index];
        const added = points[index] ?? 0;
        // An empty name stands for a bad line; a sum that is not finite is one too.
        if (!player) continue;
        if (Number.isFinite((entries.score(player) ?? 0) + added)) entries.add(player, added);
        else refused.push(from + index);
      }
      if (entries.size > 0) enlist(turn);
      const lines = Math.max(counted, from + players.length);
      turn.state.imports.set(digest, { lines });
      return { lines, refused };
    },
    clear(turn) {
      turn.forget();
    },
  },
  queries: {
    top(view, count: number) {
      return { entries: view.state.entries.top(count).map(toEntry), players: view.state.entries.size };
    },
    standing(view, player: string, around: number) {
      const { entries } = view.state;
      const points = entries.score(player);
      const rank = entries.rank(player);
      if (points === undefined || rank === undefined) return undefined;
      return { player, points, rank, around: entries.around(player, around).map(toEntry) };
    },
    page(view, offset: number, limit: number) {
      return view.state.entries.page(offset, limit).map(toEntry);
    },
    size: (view) => view.state.entries.size,
    played: (view) => view.state.played,
    importedLines: (view, digest: string) => view.state.imports.get(digest)?.lines ?? 0,
  },
});

function toEntry({
  rank,
  member,
  score,
}: {
  readonly rank: number;
  readonly member: string;
  readonly score: number;
}): Entry {
  return { rank, player: member, points: score };
}

function enlist(turn: {
  readonly key: string;
  readonly state: { listed: boolean };
  send(definition: typeof Directory, key: string): ActorSends<typeof Directory>;
}): void {
  if (turn.state.listed) return;
  turn.state.listed = true;
  turn.send(Directory, DIRECTORY_KEY).enlist(turn.key);
}
