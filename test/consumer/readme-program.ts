// The program that README.md shows: its fenced blocks that carry a file name, such as ```ts title="app.ts".
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { root } from '../../scripts/program.ts';

export interface ProgramFile {
  readonly name: string;
  readonly text: string;
}

/** The files of the README's program, in the order they are shown; none while the README shows no program. */
export function readmeProgram(): ProgramFile[] {
  const readme = join(root, 'README.md');
  if (!existsSync(readme)) return [];
  const blocks = readFileSync(readme, 'utf8').matchAll(/^```ts title="(?<name>[\w.-]+)".*\n(?<text>[^]*?)^```/gm);
  return Array.from(blocks, ({ groups }) => ({ name: groups?.['name'] ?? '', text: groups?.['text'] ?? '' }));
}

/** The same program in JavaScript: types taken out, files named and imported as `.js`. */
export function inJavaScript(program: readonly ProgramFile[]): ProgramFile[] {
  return program.map(({ name, text }) => ({
    name: name.replace(/\.ts$/, '.js'),
    text: stripTypeScriptTypes(text).replaceAll(/(['"]\.\/[\w.-]+)\.ts(['"])/g, '$1.js$2'),
  }));
}

/** Writes the program's files into a folder. */
export function writeProgram(folder: string, program: readonly ProgramFile[]): void {
  for (const { name, text } of program) writeFileSync(join(folder, name), text);
}
