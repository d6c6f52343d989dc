import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fabricDefaults } from '../../src/config/index.js';

/** Limits of the addon, as the table of defaults has them. */
const names: Readonly<Record<keyof typeof fabricDefaults, string>> = {
  closeTimeoutMs: 'milliseconds kMostWait',
  lingerMs: 'milliseconds kMostLinger',
  settleMs: 'milliseconds kMostSettle',
  longSpinUs: 'microseconds kLongSpin',
  shortSpinUs: 'microseconds kShortSpin',
  oftenUs: 'microseconds kOften',
  crowdedUs: 'microseconds kCrowded',
  pollWaitMs: 'milliseconds kMostPollWait',
  turnWaitMs: 'milliseconds kMostTurnWait',
};

it('the limits of fabrics are the same in C++ and in the table of defaults', () => {
  const header = readFileSync(new URL('../../native/fabric-limits.h', import.meta.url), 'utf8');
  const found = [...header.matchAll(/^constexpr std::chrono::(\w+ \w+)\{(\d+)\};$/gm)].map(
    ([, name, value]) => [name, Number(value)] as const,
  );
  const wanted = Object.entries(fabricDefaults).map(([key, value]) => [
    names[key as keyof typeof fabricDefaults],
    value,
  ]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
});
