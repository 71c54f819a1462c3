import { isGridError } from '@spacegrid/actors';

const NOT_WRITABLE = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'ENOENT',
  'EEXIST',
  'ENOSPC',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
]);

/** Why the grid did not start, in one line. */
export function startProblem(error: unknown, dataDirectory: string): string {
  const code = codeOf(error) ?? codeOf(error instanceof Error ? error.cause : undefined) ?? '';
  if (NOT_WRITABLE.has(code))
    return `The data folder ${dataDirectory} is not writable (${code}): set SPACEGRID_DATA to another.`;
  if (isGridError(error, 'STORE_LOCKED'))
    return `The data folder ${dataDirectory} is in use by another process: stop that one, or set SPACEGRID_DATA to another.`;
  const message = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ');
  return isGridError(error)
    ? `The grid did not start (${error.code}): ${message}`
    : `The grid did not start: ${message}`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && !isGridError(error)
    ? error.code
    : undefined;
}
