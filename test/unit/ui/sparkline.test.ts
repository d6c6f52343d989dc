import { expect, it } from 'vitest';
import { sparkline } from '../../../src/ui/sparkline.js';

it.each([
  [[], 4, '    '],
  [[0, 0], 4, '    '],
  [[1, 2, 4, 8], 4, '▂▃▅█'],
  [[0, 5], 4, '   █'],
  [[9, 9, 9, 1, 8], 2, '▂█'],
  [[1], 0, ''],
  [[0.001, 1000], 2, '▁█'],
])('%j in %i columns is %j', (values, width, line) => {
  expect(sparkline(values, width)).toBe(line);
});
