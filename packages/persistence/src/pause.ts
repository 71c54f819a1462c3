/** A wait that can be ended early. One at a time. */
export class Pause {
  private resolve: (() => void) | undefined;
  private ended: boolean;

  constructor() {
    this.resolve = undefined;
    this.ended = false;
  }

  /** Resolves after `ms`, or when `end` is called; at once after that. */
  wait(ms: number): Promise<void> {
    if (this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.resolve = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  end(): void {
    this.ended = true;
    this.resolve?.();
  }
}
