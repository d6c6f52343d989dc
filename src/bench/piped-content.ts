/** A command line is not endless: Linux takes 2 MiB, the environment and a pointer for each word included. */
const mostWordBytes = 512 * 1024;
const wordBytes = 9;

/** What writes `bytes` of a file that has `sourceBytes` into a pipe: the whole file, as often as it takes. */
export function producerWords(source: string, sourceBytes: number, bytes: number): readonly string[] {
  const most = Math.floor(mostWordBytes / (source.length + wordBytes));
  const repeats = Math.max(1, Math.min(most, Math.floor(bytes / sourceBytes)));
  return ['cat', ...Array.from({ length: repeats }, () => source)];
}

/** The first bytes of a file. */
export const firstBytesWords = (source: string, bytes: number): readonly string[] => [
  ...['head', '-c', String(bytes), source],
];

/** Says how many bytes came out of a pipe; one that looked at all of them would be what is measured. */
export const countingWords: readonly string[] = ['wc', '-c'];

/** Keeps what comes out of a pipe, of more than that many bytes one more: it can be seen that there were too many, and they fill no disk. */
export const keepingWords = (path: string, bytes: number): readonly string[] => [
  ...['sh', '-c', 'head -c "$1" > "$0"; exec cat > /dev/null', path, String(bytes + 1)],
];
