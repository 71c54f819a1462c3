import { afterEach, expect, it, vi } from 'vitest';
import { defaultSpinMicros, SPIN_MICROS, Spinner } from '../../src/messages/spin-time.ts';

it('spins by default only where a core is left over', () => {
  expect(defaultSpinMicros(2, 2)).toBe(0);
  expect(defaultSpinMicros(3, 2)).toBe(0);
  expect(defaultSpinMicros(2, 3)).toBe(SPIN_MICROS);
});

it('never looks with a budget of 0', () => {
  let looks = 0;
  expect(new Spinner(0).spin(() => ++looks > 0)).toBe(false);
  expect(looks).toBe(0);
});

afterEach(() => {
  vi.restoreAllMocks();
});

it('spins shorter after it found nothing, and longer again after it did', () => {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 0.125));
  const spinner = new Spinner(4000);
  const looksOf = () => {
    let looks = 0;
    spinner.spin(() => {
      looks++;
      return false;
    });
    return looks;
  };
  const looks = [looksOf(), looksOf(), looksOf(), looksOf(), looksOf(), looksOf(), looksOf()];
  expect(looks).toEqual([256, 128, 64, 32, 16, 16, 16]);
  expect(spinner.spin(() => true)).toBe(true);
  expect(looksOf()).toBe(32);
});
