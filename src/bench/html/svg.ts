import { markup, type Markup } from './markup.js';

/**
 * A chart of its own height and its column's width. Places across are percentages, so that text keeps its size on a phone;
 * what is written beside the plot stands outside of the element's box, in its margins.
 */
export function chart({ id, kind, height, title, description, body }: ChartParts): Markup {
  return markup`<svg class="chart ${kind}" role="img" aria-labelledby="${id}-t ${id}-d" height="${height}"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${body}</svg>`;
}

export interface ChartParts {
  /** Of no other chart of the page. */
  readonly id: string;
  readonly kind: 'bars' | 'lines';
  /** Pixels. */
  readonly height: number;
  readonly title: string;
  /** What it says, for those who do not see it. */
  readonly description: string;
  readonly body: readonly Markup[];
}

export const percent = (share: number): string => `${Number((100 * share).toFixed(2))}%`;

/** Cut with an ellipsis; the whole is in the tables. */
export const fitted = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;

/** Values along the lower edge, each with a hairline through the plot. */
export function axis(
  ticks: readonly { readonly at: number; readonly label: string }[],
  top: number,
  bottom: number,
): Markup[] {
  return ticks.map(({ at, label }) => {
    const anchor = at < 0.03 ? 'start' : at > 0.9 ? 'end' : 'middle';
    return markup`<line class="grid" x1="${percent(at)}" x2="${percent(at)}" y1="${top}" y2="${bottom}" /><text class="tick" x="${percent(at)}" y="${bottom + 14}" text-anchor="${anchor}">${label}</text>`;
  });
}

/** What is filled so that sealed and plain differ where colours do not show: stripes, by kind of contestant. */
export const stripes: Markup = markup`<svg class="defs" width="0" height="0" aria-hidden="true"><defs>${(
  ['xfer', 'baseline', 'peer', 'reference'] as const
).map(
  (kind) =>
    markup`<pattern id="plain-${kind}" width="6" height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"><rect class="ground" width="6" height="6" /><rect class="${kind}" width="3" height="6"/></pattern>`,
)}</defs></svg>`;
