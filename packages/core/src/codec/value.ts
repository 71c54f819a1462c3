export { readValue } from './read-value.ts';
export { writeValue } from './write-value.ts';
