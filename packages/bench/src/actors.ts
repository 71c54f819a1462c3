/** The actors that are measured: what a user would write. Loaded by every thread of the grid. */
import { defineActor, map, ranking } from '@spacegrid/actors';

export const Counter = defineActor('counter', {
  state: { count: 0 },
  commands: {
    add(turn, by: number) {
      turn.state.count += by;
      return turn.state.count;
    },
  },
  queries: { count: (view) => view.state.count },
});

export const Leaderboard = defineActor('leaderboard', {
  state: { entries: ranking({ order: 'desc', ties: 'first-to-reach' }) },
  commands: {
    submit(turn, player: string, points: number) {
      const { entries } = turn.state;
      entries.add(player, points);
      return entries.rank(player) ?? 0;
    },
    /** A batch in one turn: the new ranks in the order of the players. */
    submitMany(turn, players: readonly string[], points: number) {
      const { entries } = turn.state;
      return players.map((player) => {
        entries.add(player, points);
        return entries.rank(player) ?? 0;
      });
    },
    fill(turn, players: readonly string[], points: readonly number[]) {
      const { entries } = turn.state;
      for (const [index, player] of players.entries()) entries.set(player, points[index] ?? 0);
    },
  },
  queries: {
    rank: (view, player: string) => view.state.entries.rank(player),
    size: (view) => view.state.entries.size,
  },
});

export const Players = defineActor('players', {
  state: { records: map({ points: 0, level: 0 }) },
  commands: {
    fill(turn, players: readonly string[], points: readonly number[]) {
      const { records } = turn.state;
      for (const [index, player] of players.entries()) records.set(player, { points: points[index] ?? 0, level: 1 });
    },
  },
  queries: {
    points: (view, player: string) => view.state.records.field(player, 'points'),
    pointsOfAll: (view, players: readonly string[]) => view.state.records.fieldMany(players, 'points'),
  },
});
