/** A progress bar on a terminal; a line now and then where there is none. */
const WIDTH = 28;
const TERMINAL_MS = 100;
const PLAIN_MS = 2000;

export class ProgressBar {
  private readonly totalBytes: number;
  private readonly startedAt = performance.now();
  private shownAt = Number.NEGATIVE_INFINITY;

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  update(bytes: number, lines: number): void {
    const now = performance.now();
    if (now - this.shownAt < (process.stderr.isTTY ? TERMINAL_MS : PLAIN_MS)) return;
    this.shownAt = now;
    this.show(bytes, lines, process.stderr.isTTY ? '\r' : '', process.stderr.isTTY ? '' : '\n');
  }

  end(lines: number): void {
    this.show(this.totalBytes, lines, process.stderr.isTTY ? '\r' : '', '\n');
  }

  private show(bytes: number, lines: number, before: string, after: string): void {
    const share = this.totalBytes === 0 ? 1 : Math.min(1, bytes / this.totalBytes);
    const filled = Math.round(share * WIDTH);
    const seconds = (performance.now() - this.startedAt) / 1000;
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    process.stderr.write(
      `${before}${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${lines.toLocaleString('en')} lines, ${Math.round(lines / Math.max(seconds, 0.001)).toLocaleString('en')}/s ${after}`,
    );
  }
}
