const bars = '▁▂▃▄▅▆▇█';

/** The newest `width` of some numbers as bars, the highest of them the tallest; what is 0 has none. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(Math.max(0, values.length - width));
  const most = Math.max(...shown, Number.MIN_VALUE);
  const line = shown.map((value) =>
    value <= 0 ? ' ' : (bars[Math.min(bars.length - 1, Math.floor((value / most) * bars.length))] ?? ' '),
  );
  return line.join('').padStart(width);
}
