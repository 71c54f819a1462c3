import { BoardSwitch } from './board/board-switch.tsx';
import { FindPlayer } from './board/find-player.tsx';
import { SubmitScore } from './board/submit-score.tsx';
import { TopList } from './board/top-list.tsx';
import { LatencyChart, ThroughputChart } from './grid/charts.tsx';
import { LoadControl } from './grid/load-control.tsx';
import { Threads } from './grid/threads.tsx';
import { connection } from './state/feeds.ts';

const STATES = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again' } as const;

export function App() {
  const state = connection.value;
  return (
    <>
      <header class="masthead">
        <h1>
          <svg viewBox="0 0 16 16" width="22" height="22" aria-hidden="true">
            <path class="mark-2" d="M1 9h4v6H1z" />
            <path class="mark-1" d="M6 1h4v14H6z" />
            <path class="mark-3" d="M11 6h4v9h-4z" />
          </svg>
          SpaceGrid <span>leaderboard</span>
        </h1>
        <BoardSwitch />
        <p class={`link link-${state}`} role="status" data-testid="connection">
          {STATES[state]}
        </p>
      </header>
      <main>
        <div class="column column-board">
          <TopList />
        </div>
        <div class="column column-people">
          <SubmitScore />
          <FindPlayer />
          <LoadControl />
        </div>
        <div class="column column-grid">
          <div class="charts">
            <ThroughputChart />
            <LatencyChart />
          </div>
          <Threads />
        </div>
      </main>
    </>
  );
}
