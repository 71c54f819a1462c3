/** A progress bar on a terminal; a line now and then where there is none. */
const WIDTH = 28;
const TERMINAL_MS = 100;
const PLAIN_MS = 2000;
const CLEAR_REST = '\u001B[K';

export class ProgressBar {
  private readonly totalBytes: number;
  private readonly startedAt = performance.now();
  private bytes = 0;
  private shownAt = performance.now();

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  update(bytes: number, lines: number): void {
    this.bytes = bytes;
    const now = performance.now();
    if (now - this.shownAt < (process.stderr.isTTY ? TERMINAL_MS : PLAIN_MS)) return;
    this.shownAt = now;
    this.show(lines, false);
  }

  /** The last state: complete, unless it was stopped. */
  end(lines: number, stopped: boolean): void {
    if (!stopped) this.bytes = this.totalBytes;
    this.show(lines, true);
  }

  private show(lines: number, last: boolean): void {
    const share = this.totalBytes === 0 ? 1 : Math.min(1, this.bytes / this.totalBytes);
    const seconds = (performance.now() - this.startedAt) / 1000;
    const perSecond = Math.round(lines / Math.max(seconds, 0.001));
    const text = `${Math.floor(share * 100)} %, ${lines.toLocaleString('en')} lines, ${perSecond.toLocaleString('en')}/s`;
    if (!process.stderr.isTTY) {
      process.stderr.write(`${text}\n`);
      return;
    }
    const filled = Math.round(share * WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    process.stderr.write(`\r${bar} ${text}${CLEAR_REST}${last ? '\n' : ''}`);
  }
}
