/** What the figures were measured on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, type } from 'node:os';

export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Average of the last minute, before anything was measured. */
  readonly load: number;
  readonly date: string;
}

export function describeMachine(): Machine {
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    kernel: `${type()} ${release()}`,
    load: loadavg()[0] as number,
    date: new Date().toISOString(),
  };
}

export function machineLine(machine: Machine): string {
  const { node, cpu, cores, kernel, load, date } = machine;
  return `Node ${node}, ${cpu}, ${cores} cores, ${kernel}, load ${load.toFixed(2)}, ${date}`;
}

/** Processor time that the machine gave, and that its host took away ("steal"), in ticks. */
export interface MachineTime {
  readonly total: number;
  readonly steal: number;
}

/** Undefined where the system does not tell. */
export function machineTime(): MachineTime | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] as string).split(/\s+/);
  const counts = ticks.map(Number);
  // user, nice, system, idle, iowait, irq, softirq, steal; the guests' after them are in `user` already.
  return { total: counts.slice(0, 8).reduce((sum, count) => sum + count, 0), steal: counts[7] ?? 0 };
}

/** Share of the time between two readings that the host took, in percent. */
export function stealPercent(before: MachineTime | undefined, after: MachineTime | undefined): number | undefined {
  if (before === undefined || after === undefined || after.total === before.total) return undefined;
  return ((after.steal - before.steal) / (after.total - before.total)) * 100;
}
