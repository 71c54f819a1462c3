import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/clock/fake-clock.ts';

describe('a fake clock', () => {
  it('stands still until it is advanced', () => {
    const clock = new FakeClock(1000);
    expect(clock.now()).toBe(1000);
    clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1250, 250]);
  });

  it('runs due timers in order of their time, then of their setting, each at its own time', () => {
    const clock = new FakeClock(0);
    const ran: string[] = [];
    const note = (name: string) => () => void ran.push(`${name}@${clock.monotonicMs()}`);
    clock.after(20, note('c'));
    clock.after(10, note('a'));
    clock.after(20, note('d'));
    clock.after(10, note('b'));
    clock.after(21, note('late'));
    clock.advance(20);
    expect(ran).toEqual(['a@10', 'b@10', 'c@20', 'd@20']);
    expect(clock.pending).toBe(1);
  });

  it('runs timers that timers set, when they become due', () => {
    const clock = new FakeClock(0);
    const ran: number[] = [];
    const tick = (): void => {
      ran.push(clock.monotonicMs());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.advance(45);
    expect(ran).toEqual([10, 20, 30, 40]);
    expect(clock.monotonicMs()).toBe(45);
  });

  it('forgets a cancelled timer; cancelling late or twice does nothing', () => {
    const clock = new FakeClock(0);
    let runs = 0;
    const cancel = clock.after(5, () => runs++);
    const other = clock.after(6, () => runs++);
    cancel();
    cancel();
    clock.advance(10);
    other();
    expect(runs).toBe(1);
  });

  it('fails on timers without end instead of hanging', () => {
    const clock = new FakeClock(0);
    const again = (): void => void clock.after(0, again);
    again();
    expect(() => clock.advance(1)).toThrow(/come to an end/);
  });
});
