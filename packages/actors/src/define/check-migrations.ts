/**
 * Holds a definition's migrations to what can ever run: a name or step that nothing leads to would be passed over without a
 * word, and the data that it was to save lost.
 */
import { InvalidDefinitionError } from '@spacegrid/core';
import type { AnyDefinition } from './define-actor.ts';
import { fieldOf } from './state-fields.ts';

export function checkMigrations(name: string, spec: AnyDefinition['spec'], version: number): void {
  for (let step = 2; step <= version; step++) {
    if (spec.migrations?.[step] === undefined)
      throw new InvalidDefinitionError(`actor ${name} has version ${version} and no migration to ${step}`);
  }
  checkSteps(`migrations of actor ${name}`, spec.migrations ?? {}, version);
  for (const [map, steps] of Object.entries(spec.entryMigrations ?? {})) {
    if (!Object.hasOwn(spec.state, map) || fieldOf(spec.state[map])?.kind !== 'map')
      throw new InvalidDefinitionError(`entryMigrations of actor ${name} name ${map}, which is no map of its state`);
    checkSteps(`entryMigrations.${map} of actor ${name}`, steps, version);
  }
}

function checkSteps(where: string, steps: unknown, version: number): void {
  if (typeof steps !== 'object' || steps === null)
    throw new InvalidDefinitionError(`${where} are ${String(steps)}: an object of functions by version is needed`);
  for (const [step, migrate] of Object.entries(steps)) {
    const to = Number(step);
    if (!Number.isInteger(to) || to < 2 || to > version)
      throw new InvalidDefinitionError(`${where} lead to ${step}: the actor has version ${version}`);
    if (typeof migrate !== 'function')
      throw new InvalidDefinitionError(`${where} to ${step} are ${String(migrate)}: a function is needed`);
  }
}
