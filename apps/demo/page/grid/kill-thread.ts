/** Ends a partition thread and keeps what came of it. */
import { signal } from '@preact/signals';
import { request, sentenceOf } from '../api/request.ts';
import type { KillAnswer } from '../../src/http/answers.ts';

/** The thread that is being replaced. */
export const dying = signal<number | undefined>(undefined);
export const killed = signal<KillAnswer | undefined>(undefined);
export const killError = signal<string | undefined>(undefined);

export async function killThread(worker: number): Promise<void> {
  if (dying.value !== undefined) return;
  dying.value = worker;
  killed.value = undefined;
  killError.value = undefined;
  try {
    killed.value = await request<KillAnswer>('/api/grid/kill', { method: 'POST', body: { worker } });
  } catch (error) {
    killError.value = sentenceOf(error);
  } finally {
    dying.value = undefined;
  }
}
