/**
 * Text that a peer or a file system chose, made harmless for a terminal, a log or a line protocol: C0 and C1
 * controls, DEL, bidirectional and zero-width format characters, line and paragraph separators and lone
 * surrogates come out as `\u{…}`. Everything that is shown passes through here on its way out
 * (rsync CVE-2026-53788: a newline in a name broke a line protocol). For people only: a name that holds the
 * text `\u{1b}` itself looks the same.
 */
export function printable(text: string): string {
  return unsafe.test(text) ? text.replace(unsafeAll, escaped) : text;
}

/**
 * One value as one line of JSON that a terminal may show: what `JSON.stringify` leaves as it is although it is
 * unsafe comes out as `\uXXXX`, so a reader of the JSON gets every character back.
 */
export function printableJson(value: unknown): string {
  const json = JSON.stringify(value);
  return unsafe.test(json) ? json.replace(unsafeAll, jsonEscaped) : json;
}

/** Cc and Cs are controls and lone surrogates, Cf bidi and zero-width characters, Zl and Zp the separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const unsafeAll = new RegExp(unsafe.source, 'gu');

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

function jsonEscaped(character: string): string {
  let out = '';
  for (let at = 0; at < character.length; at++)
    out += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return out;
}
