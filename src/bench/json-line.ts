/**
 * The object that a line, or all, of what a child process says is; undefined: it is something else, which anything that is loaded into a process
 * may write there, and of which nothing follows.
 */
export function objectOfLine(line: string): object | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const read: unknown = JSON.parse(line);
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}
