/** The rows as text, at most 100 columns wide. */
import type { AmountRow, PeerFigures, RateRow, Row } from './report.ts';
import type { Spread } from './spread.ts';

const TITLE_WIDTH = 40;
/** Room of each column after the title: operations/s, the same per CPU-second, ratio, its range, ratio per CPU-second. */
const WIDTHS = [8, 8, 7, 14, 10] as const;

/** Lines of the table, its header first. */
export function tableLines(rows: readonly Row[]): string[] {
  const head = line('', ['ops/s', '/CPU-s', 'ratio', '(min..max)', 'CPU-ratio'], 'must');
  return [head.trimEnd(), ...rows.flatMap((row) => (row.kind === 'rate' ? rateLines(row) : amountLines(row)))];
}

function rateLines(row: RateRow): string[] {
  const own = line(row.title, [scaled(row.rate.median), scaled(row.cpuRate.median), '', '', ''], '');
  return [own, ...row.peers.map(peerLine)].map((text) => text.trimEnd());
}

function peerLine(peer: PeerFigures): string {
  const low = peer.cpuRatio.median < 1 ? '!' : '';
  return line(
    `  beside ${peer.name}`,
    [
      scaled(peer.rate.median),
      scaled(peer.cpuRate.median),
      times(peer.ratio.median),
      range(peer.ratio),
      `${times(peer.cpuRatio.median)}${low}`,
    ],
    peer.must === undefined ? '' : `${peer.must}× ${mark(peer.met)}`,
  );
}

function amountLines(row: AmountRow): string[] {
  const most = row.most === undefined ? '' : `   at most ${row.most} ${row.unit}: ${mark(row.met)}`;
  const peer = row.peer === undefined ? '' : `   ${row.peer.name}: ${amountText(row.peer.amount)} ${row.unit}`;
  return [`${row.title.padEnd(TITLE_WIDTH)} ${amountText(row.amount)} ${row.unit}${peer}${most}`];
}

function line(title: string, cells: readonly string[], last: string): string {
  const columns = cells.map((cell, index) => cell.padStart(WIDTHS[index] as number));
  return `${title.padEnd(TITLE_WIDTH)}${columns.join('')}  ${last}`;
}

/** What says whether a figure that is set is reached. */
function mark(met: boolean | undefined): string {
  return met === true ? 'met' : 'MISSED';
}

function amountText(amount: number): string {
  return amount >= 100 ? amount.toFixed(0) : amount.toFixed(1);
}

function times(ratio: number): string {
  return `${plain(ratio)}×`;
}

function range({ min, max }: Spread): string {
  return `(${plain(min)}..${plain(max)})`;
}

function plain(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function scaled(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`;
  return perSecond >= 1000 ? `${(perSecond / 1000).toFixed(1)} k` : perSecond.toFixed(0);
}
