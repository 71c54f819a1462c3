export { createTestGrid, type TestGrid, type TestGridOptions } from './testing/create-test-grid.ts';
export type { TestClock } from './testing/test-clock.ts';
