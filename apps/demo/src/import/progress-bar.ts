/** A progress bar on a terminal, as wide as that is; a line now and then where there is none. */
const BAR_MIN = 4;
const BAR_MAX = 28;
/** Of a terminal that does not say how wide it is. */
const COLUMNS = 80;
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
    process.stderr.write(`\r${this.line(share, text)}${CLEAR_REST}${last ? '\n' : ''}`);
  }

  /** One column less than there are: a line that is full goes on in the next, and \r leads back to that one only. */
  private line(share: number, text: string): string {
    const columns = (process.stderr.columns || COLUMNS) - 1;
    const width = Math.min(BAR_MAX, columns - text.length - 1);
    if (width < BAR_MIN) return text.slice(0, columns);
    const filled = Math.round(share * width);
    return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}`;
  }
}
