/** A column of a table; each cell is one line, and harmless to a terminal. */
export interface TableColumn {
  readonly title: string;
  readonly cells: readonly string[];
  readonly isLeft?: boolean;
  /** Those with the most go first where there is little room; 0 stays whatever happens, and takes a third of the room at most. */
  readonly rank: number;
  /** So wide at least, that a table which is drawn again and again stands still. */
  readonly leastWidth?: number;
  /** It is cut to this width rather than left out. */
  readonly shrinksTo?: number;
}

export interface FittedTable {
  /** The titles, then a line for each row; none wider than the room. */
  readonly lines: readonly string[];
  /** Titles of what was left out, in the table's order. */
  readonly dropped: readonly string[];
}

const gap = 2;

/** The columns side by side in so much room; columns without a word in any cell are not there at all. */
export function fitTable(columns: readonly TableColumn[], room: number): FittedTable {
  const filled = columns.filter(({ cells, rank }) => rank === 0 || cells.some((cell) => cell !== ''));
  const widths = new Map<TableColumn, number>();
  let left = room + gap;
  // One that does not fit ends it: what matters less must not stand where it could not.
  for (const column of [...filled].sort((one, other) => one.rank - other.rank)) {
    const wanted = column.rank > 0 ? widthOf(column) : Math.min(widthOf(column), mostOfRoom(column, room));
    const width = Math.min(wanted, Math.max(left - gap, 0));
    if (width < Math.min(wanted, column.shrinksTo ?? wanted) && column.rank > 0) break;
    widths.set(column, width);
    left -= width + gap;
  }
  const shown = filled.filter((column) => widths.has(column));
  const line = (texts: readonly string[]): string =>
    shown
      .map((column, at) => padded(texts[at] ?? '', widths.get(column) ?? 0, column.isLeft === true))
      .join(' '.repeat(gap))
      .trimEnd();
  const rows = shown[0]?.cells.length ?? 0;
  return {
    lines: [
      line(shown.map(({ title }) => title)),
      ...Array.from({ length: rows }, (_, row) => line(shown.map(({ cells }) => cells[row] ?? ''))),
    ].map((text) => clip(text, room)),
    dropped: filled.filter((column) => !widths.has(column)).map(({ title }) => title),
  };
}

/** So many columns at most, the last of them an ellipsis where something is missing. */
export function clip(text: string, width: number): string {
  if (text.length <= width) return text;
  return width > 0 ? `${text.slice(0, width - 1)}…` : '';
}

function widthOf({ title, cells, leastWidth = 0 }: TableColumn): number {
  return Math.max(title.length, leastWidth, ...cells.map((cell) => cell.length));
}

function mostOfRoom({ shrinksTo = 0 }: TableColumn, room: number): number {
  return Math.max(shrinksTo, Math.floor(room / 3));
}

function padded(text: string, width: number, isLeft: boolean): string {
  const cut = clip(text, width);
  return isLeft ? cut.padEnd(width) : cut.padStart(width);
}
