import { Box, Text } from 'ink';
import { createElement, type ReactElement } from 'react';

/** Lines as they are: painted, and none wider than the terminal. */
export function BenchLive({ lines }: { readonly lines: readonly string[] }): ReactElement {
  const texts = lines.map((line, at) =>
    createElement(Text, { key: at, wrap: 'truncate' }, line === '' ? ' ' : line),
  );
  return createElement(Box, { flexDirection: 'column' }, ...texts);
}
