import { expect, it } from 'vitest';
import { silenceOf } from '../../../src/app/silence.js';
import { sessionDefaults } from '../../../src/config/index.js';

const { leastSilenceMs, mostSilenceMs, retryMs } = sessionDefaults;

it.each([
  ['nothing is tried again', 0, leastSilenceMs],
  ['less than the least', 100, leastSilenceMs],
  ['something between', 20_000, 20_000],
  ['more than the most', 3_600_000, mostSilenceMs],
])('a silent side is waited for as long as --retry says, within bounds: %s', (_, given, silence) => {
  expect(silenceOf({ retryMs: given })).toBe(silence);
});

it('is that of the default where nothing is said', () => {
  expect(silenceOf({})).toBe(Math.min(retryMs, mostSilenceMs));
});
