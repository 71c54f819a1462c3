import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DOORBELL_AWAKE, DOORBELL_PARKED, DOORBELL_RUNG, Doorbell } from '../../src/messages/doorbell.ts';

let words: Int32Array;
let owner: Doorbell;
let ringer: Doorbell;
const nothing = () => false;

beforeEach(() => {
  words = new Int32Array(new SharedArrayBuffer(256));
  owner = new Doorbell(words, 32);
  ringer = new Doorbell(words, 32);
});

afterEach(() => {
  owner.close();
  vi.restoreAllMocks();
});

const state = () => words[32];

describe('ringing', () => {
  it('costs one load while the owner is awake', () => {
    const load = vi.spyOn(Atomics, 'load');
    const swap = vi.spyOn(Atomics, 'compareExchange');
    const notify = vi.spyOn(Atomics, 'notify');
    ringer.ring();
    expect([load.mock.calls.length, swap.mock.calls.length, notify.mock.calls.length]).toEqual([1, 0, 0]);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('notifies once for each sleep, however many ring', async () => {
    const notify = vi.spyOn(Atomics, 'notify');
    const parked = owner.parkAsync(10_000, nothing);
    for (let ring = 0; ring < 5; ring++) ringer.ring();
    expect(state()).toBe(DOORBELL_RUNG);
    expect(notify).toHaveBeenCalledTimes(1);
    expect(await parked).toBe(true);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('wakes a sleeper whose ringer died between its swap and its notification', async () => {
    const parked = owner.parkAsync(10_000, nothing);
    words[32] = DOORBELL_RUNG;
    ringer.ring();
    ringer.wake();
    expect(await parked).toBe(true);
  });
});

describe('blocking park', () => {
  it('does not sleep when the second look finds something', () => {
    const wait = vi.spyOn(Atomics, 'wait');
    expect(owner.parkBlocking(10_000, () => state() === DOORBELL_PARKED)).toBe(true);
    expect(wait).not.toHaveBeenCalled();
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('does not sleep when it was rung during the second look', () => {
    const woken = owner.parkBlocking(10_000, () => {
      ringer.ring();
      return false;
    });
    expect(woken).toBe(true);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('ends by its time', () => {
    expect(owner.parkBlocking(5, nothing)).toBe(false);
    expect(state()).toBe(DOORBELL_AWAKE);
  });
});

describe('asynchronous park', () => {
  it('ends at once when the second look finds something', async () => {
    expect(await owner.parkAsync(10_000, () => true)).toBe(true);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('ends when it was rung during the second look', async () => {
    const parked = owner.parkAsync(10_000, () => {
      ringer.ring();
      return false;
    });
    expect(await parked).toBe(true);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('ends by its time, and by the sooner one when it is asked for twice', async () => {
    expect(await owner.parkAsync(5, nothing)).toBe(false);
    expect(state()).toBe(DOORBELL_AWAKE);
    const first = owner.parkAsync(10_000, nothing);
    expect(owner.parkAsync(5, nothing)).toBe(first);
    expect(await first).toBe(false);
  });

  it('resolves the pending promise when a second call finds something', async () => {
    const first = owner.parkAsync(10_000, nothing);
    expect(await owner.parkAsync(10_000, () => true)).toBe(true);
    expect(await first).toBe(true);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('keeps one waitAsync pending over many parks that end by time, and is still woken', async () => {
    const waitAsync = vi.spyOn(Atomics, 'waitAsync');
    for (let park = 0; park < 5; park++) expect(await owner.parkAsync(1, nothing)).toBe(false);
    expect(waitAsync).toHaveBeenCalledTimes(1);
    const parked = owner.parkAsync(10_000, nothing);
    ringer.ring();
    expect(await parked).toBe(true);
    expect(waitAsync).toHaveBeenCalledTimes(1);
    const next = owner.parkAsync(10_000, nothing);
    expect(waitAsync).toHaveBeenCalledTimes(2);
    ringer.ring();
    expect(await next).toBe(true);
  });

  it('is woken when a notification for an earlier park is still on its way', async () => {
    const first = owner.parkAsync(10_000, nothing);
    ringer.ring();
    // The notification is under way; meanwhile the owner's thread looks by itself, and parks again.
    expect(owner.parkBlocking(0, nothing)).toBe(false);
    const second = owner.parkAsync(10_000, nothing);
    ringer.ring();
    expect(await second).toBe(true);
    expect(await first).toBe(true);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('makes no timer for each park, one for many', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    for (let park = 0; park < 100; park++) {
      const parked = owner.parkAsync(10_000, nothing);
      ringer.ring();
      await parked;
    }
    expect(timers).toHaveBeenCalledTimes(1);
  });

  it('ends when the bell is closed', async () => {
    const parked = owner.parkAsync(10_000, nothing);
    owner.close();
    expect(await parked).toBe(true);
  });
});

describe('keeping alive', () => {
  const timeouts = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('holds the event loop only while asked to', () => {
    const before = timeouts();
    owner.keepAlive(true);
    owner.keepAlive(true);
    expect(timeouts()).toBe(before + 1);
    owner.keepAlive(false);
    expect(timeouts()).toBe(before);
    owner.keepAlive(true);
    expect(timeouts()).toBe(before + 1);
    owner.close();
    expect(timeouts()).toBe(before);
  });

  it('is not what a park does', () => {
    const before = timeouts();
    void owner.parkAsync(10_000, nothing);
    expect(timeouts()).toBe(before);
  });
});

describe('spinning', () => {
  it('finds what comes before it parks', () => {
    const spinning = new Doorbell(words, 32, 10_000);
    let looks = 0;
    expect(spinning.parkBlocking(10_000, () => ++looks === 20)).toBe(true);
    expect(looks).toBe(20);
    expect(state()).toBe(DOORBELL_AWAKE);
  });

  it('parks when nothing comes', () => {
    const spinning = new Doorbell(words, 32, 100);
    expect(spinning.parkBlocking(1, nothing)).toBe(false);
  });
});
