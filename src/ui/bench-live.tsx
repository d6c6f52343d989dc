import { Box, Text } from 'ink';

/** Lines as they are: painted, and none wider than the terminal. */
export function BenchLive({ lines }: { readonly lines: readonly string[] }) {
  return (
    <Box flexDirection="column">
      {lines.map((line, at) => (
        <Text key={at} wrap="truncate">
          {line === '' ? ' ' : line}
        </Text>
      ))}
    </Box>
  );
}
