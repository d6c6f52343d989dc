import { printable } from '../../transfer/printable.js';

/** Text of a page that is meant as it is: only `markup` makes it, and what `markup` was given is escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = string | number | Markup | readonly Markup[];

/**
 * A piece of HTML or SVG. What stands in the braces is text, whoever chose it: controls come out as `\u{…}`, and what
 * would end an element or an attribute as an entity. Markup, or a list of it, goes in as it is.
 */
export function markup(pieces: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = pieces[0] ?? '';
  parts.forEach((part, at) => (text += textOf(part) + (pieces[at + 1] ?? '')));
  return new Markup(text);
}

export const nothing = new Markup('');

function textOf(part: Part): string {
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escaped(part);
  return part instanceof Markup ? part.text : part.map(({ text }) => text).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Lines stay lines: advice may have several. */
const escaped = (text: string): string =>
  text
    .split('\n')
    .map((line) => printable(line).replace(/[&<>"']/g, (character) => entities[character] ?? ''))
    .join('\n');
