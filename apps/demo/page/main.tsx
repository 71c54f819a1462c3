import { render } from 'preact';
import { App } from './app.tsx';
import { followAddress } from './state/current-board.ts';
import { keepFeedsOpen } from './state/feeds.ts';

const root = document.getElementById('app');
if (root !== null) {
  followAddress();
  keepFeedsOpen();
  render(<App />, root);
}
