/** What is wrong with the running Node, in one line; undefined when nothing is. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return undefined;
  return `Node ${version} is too old: 22.18 or newer is needed (npm start brings one).`;
}
