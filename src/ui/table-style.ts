/** How the tables of a command look, by where they go. */
export interface TableStyle {
  readonly json: boolean;
  /** As wide as the terminal; Infinity where it is none, so that a row is one line for grep. */
  readonly columns: number;
  paint(colour: Colour, text: string): string;
}

export type Colour = 'green' | 'yellow' | 'red' | 'magenta' | 'dim' | 'bold';

/** SGR codes: on, and off again. Of the colours magenta alone is read on black and on white, whatever terminal it is. */
const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  magenta: [35, 39],
  dim: [2, 22],
  bold: [1, 22],
};
const leastColumns = 40;

/** What fits stdout. Words say all that colours do; NO_COLOR (no-color.org) and TERM=dumb switch them off. */
export function tableStyle(
  { json }: { json: boolean },
  out: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
  env: NodeJS.ProcessEnv = process.env,
): TableStyle {
  const isTerminal = out.isTTY === true;
  const hasColours = isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return {
    json,
    columns: isTerminal ? Math.max(leastColumns, out.columns ?? 80) : Infinity,
    paint: (colour, text) => {
      const [on, off] = codes[colour];
      return hasColours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
    },
  };
}

/** `text` behind `head`, broken between words, further lines as far in as its first. `before`: columns in front of the head. */
export function indented(head: string, text: string, { columns }: TableStyle, before = 0): string {
  const margin = before + head.length;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && margin + longer.length > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return head + [...lines, line].join(`\n${' '.repeat(margin)}`);
}
