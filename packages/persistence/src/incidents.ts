/** What went wrong lately, for the health report. */
import { type DurabilityIncident, isGridError } from '@spacegrid/core';
import { sqliteCode } from './database.ts';

const KEPT_MAX = 20;

export class Incidents {
  private readonly list: DurabilityIncident[];

  constructor() {
    this.list = [];
  }

  /** The last ones, oldest first. */
  all(): readonly DurabilityIncident[] {
    return [...this.list];
  }

  note(code: string, message: string): void {
    this.list.push({ occurredAt: Date.now(), code, message });
    if (this.list.length > KEPT_MAX) this.list.shift();
  }

  noteError(what: string, error: unknown): void {
    this.note(codeOf(error), `${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function codeOf(error: unknown): string {
  if (isGridError(error)) return error.code;
  return sqliteCode(error) || 'UNEXPECTED';
}
