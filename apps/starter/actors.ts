import { defineActor, ranking } from '@spacegrid/actors';

/** A list of players by points: one for each key, such as `eu`. */
export const Leaderboard = defineActor('leaderboard', {
  state: { entries: ranking({ order: 'desc', ties: 'first-to-reach' }) },
  commands: {
    submit(turn, player: string, points: number) {
      const total = turn.state.entries.add(player, points);
      return { points: total, rank: turn.state.entries.rank(player) };
    },
  },
  queries: {
    top(view, count: number) {
      return view.state.entries.top(count);
    },
  },
});
