/** The application's actors: boards, and the directory that bounds their number. */
import { defineActor, map, ranking } from '@spacegrid/actors';
import { InvalidArgumentError, OverloadedError } from '@spacegrid/core';

/** Most boards of the application. */
export const BOARDS_MAX = 1000;

export const Leaderboard = defineActor('leaderboard', {
  state: {
    entries: ranking({ order: 'desc', ties: 'first-to-reach' }),
    /** Points that simulated players have added: what the load control compares with what it was told. */
    played: 0,
    /** Files that were imported, by digest: how many of their lines are counted. */
    imports: map({ lines: 0 }),
  },
  commands: {
    submit(turn, player: string, points: number) {
      const sum = turn.state.entries.add(player, points);
      return { player, points: sum, rank: turn.state.entries.rank(player) ?? 0 };
    },
    /** A submit of a simulated player. */
    play(turn, player: string, points: number) {
      turn.state.entries.add(player, points);
      turn.state.played += points;
    },
    /**
     * Adds lines `from` … of a file, those that are not counted yet. The points and how far the file is counted change in one
     * turn, so each line counts once, whatever happens in between.
     */
    importLines(turn, digest: string, from: number, players: readonly string[], points: readonly number[]) {
      const counted = turn.state.imports.get(digest)?.lines ?? 0;
      if (from > counted) throw new InvalidArgumentError(`lines from ${from} come before lines from ${counted}`);
      const { entries } = turn.state;
      for (let index = counted - from; index < players.length; index++) {
        const player = players[index];
        const added = points[index] ?? 0;
        // An empty name stands for a bad line; a sum that is not finite is one too.
        if (player && Number.isFinite((entries.score(player) ?? 0) + added)) entries.add(player, added);
      }
      const lines = Math.max(counted, from + players.length);
      turn.state.imports.set(digest, { lines });
      return lines;
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

export const Directory = defineActor('directory', {
  state: { boards: map({ createdAt: 0 }) },
  commands: {
    register(turn, board: string) {
      const { boards } = turn.state;
      if (boards.has(board)) return;
      if (boards.size >= BOARDS_MAX) throw new OverloadedError(`there are ${BOARDS_MAX} boards: delete one first`);
      boards.set(board, { createdAt: turn.now });
    },
    unregister(turn, board: string) {
      return turn.state.boards.delete(board);
    },
  },
  queries: {
    list(view) {
      const names: string[] = [];
      let cursor: string | undefined;
      // Bound: BOARDS_MAX entries, 1,000 a step.
      do {
        const page: ReturnType<typeof view.state.boards.scan> = view.state.boards.scan(cursor, 1000);
        for (const [name] of page.entries) names.push(name);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return names.sort();
    },
    has: (view, board: string) => view.state.boards.has(board),
  },
});

export interface Entry {
  readonly rank: number;
  readonly player: string;
  readonly points: number;
}

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
