import { describe, expect, it } from 'vitest';
import { nodeProblem } from '../../src/node-version.ts';

describe('the version of Node', () => {
  it.each(['22.18.0', '22.19.1', '23.0.0', '24.21.0', '24.0.0-nightly', '100.0.0'])('%s is new enough', (version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });

  it.each(['22.17.9', '20.20.0', '18.0.0', '9.99.0'])('%s is too old, in one line', (version) => {
    expect(nodeProblem(version)).toMatch(new RegExp(`^Node ${version} is too old: 22\\.18 or newer .*$`));
  });
});
