/**
 * One word by which a thread sleeps and is woken. AWAKE 0, PARKED 1, RUNG 2.
 *
 * The owner stores PARKED, looks again at everything that could have come, and waits only while the word is PARKED. A ringer
 * first publishes, then looks at the word, and rings only what says PARKED. All these are sequentially consistent, so either
 * the ringer sees PARKED, or the owner's second look sees what was published: no wake-up is lost. Ringing a thread that is
 * awake costs one load. A wait is capped besides.
 */
const AWAKE = 0;
const PARKED = 1;
const RUNG = 2;

export class Doorbell {
  private readonly words: Int32Array;
  private readonly index: number;

  constructor(words: Int32Array, index: number) {
    this.words = words;
    this.index = index;
  }

  /** Wakes the owner if it sleeps. Any thread, after it has published. */
  ring(): void {
    if (Atomics.load(this.words, this.index) !== PARKED) return;
    if (Atomics.compareExchange(this.words, this.index, PARKED, RUNG) === PARKED) Atomics.notify(this.words, this.index, 1);
  }

  /** Blocking: sleeps until rung, at most `timeoutMs`, unless `found` sees something to do. The owner's thread only, never the main one. */
  parkBlocking(timeoutMs: number, found: () => boolean): void {
    Atomics.store(this.words, this.index, PARKED);
    if (!found()) Atomics.wait(this.words, this.index, PARKED, timeoutMs);
    Atomics.store(this.words, this.index, AWAKE);
  }

  /** The same without blocking the thread's event loop. Does not keep the process alive. */
  async parkAsync(timeoutMs: number, found: () => boolean): Promise<void> {
    Atomics.store(this.words, this.index, PARKED);
    if (!found()) {
      const waiting = Atomics.waitAsync(this.words, this.index, PARKED, timeoutMs);
      if (waiting.async) await waiting.value;
    }
    Atomics.store(this.words, this.index, AWAKE);
  }
}
