import { expect, it } from 'vitest';
import { controllingTerminal } from '../../../src/ui/controlling-terminal.js';

it.each([
  ['a process without a terminal', '/dev/null/none', true],
  ['what is no terminal', '/dev/null', true],
  ['a stderr that nobody sees', '/dev/tty', false],
])('asks nobody: %s', (_, path, isShown) => {
  expect(controllingTerminal(path, isShown)).toBeUndefined();
});
