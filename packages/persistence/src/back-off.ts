/** How long to wait before the next try: doubled with each failure, up to a limit. */
export class BackOff {
  private readonly firstMs: number;
  private readonly maxMs: number;
  private nextMs: number;

  constructor(firstMs: number, maxMs: number) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
    this.nextMs = firstMs;
  }

  failed(): number {
    const waitMs = this.nextMs;
    this.nextMs = Math.min(this.maxMs, waitMs * 2);
    return waitMs;
  }

  succeeded(): void {
    this.nextMs = this.firstMs;
  }
}
