import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock/system-clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the system clock', () => {
  it('tells the time of the machine', () => {
    expect(systemClock.now()).toBe(Date.now());
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(0);
  });

  it('waits longer than setTimeout can, and not at once', () => {
    let ran = false;
    const days = 40 * 86_400_000;
    systemClock.after(days, () => (ran = true));
    vi.advanceTimersByTime(days - 1);
    expect(ran).toBe(false);
    vi.advanceTimersByTime(1);
    expect(ran).toBe(true);
  });

  it('cancels, also in a later part of a long wait', () => {
    let ran = false;
    const cancel = systemClock.after(40 * 86_400_000, () => (ran = true));
    vi.advanceTimersByTime(30 * 86_400_000);
    cancel();
    vi.advanceTimersByTime(30 * 86_400_000);
    expect(ran).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
