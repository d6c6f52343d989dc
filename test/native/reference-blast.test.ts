import { afterEach, expect, it, vi } from 'vitest';
import { loadAddon } from '../../src/native/addon.js';
import { referenceBlast } from '../../src/native/reference-blast.js';

afterEach(() => vi.unstubAllEnvs());

function why(): string | undefined {
  try {
    loadAddon();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const lacking = why();
it.skipIf(lacking !== undefined)(`sends for about as long as it is told ${lacking ?? ''}`, async () => {
  const found = referenceBlast();
  if (!found.ok) throw new Error(found.reason);
  const two = await Promise.all([found.blast(20), found.blast(20)]);
  for (const { bytes, seconds } of two) {
    expect(bytes).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThanOrEqual(0.02);
  }
  expect((await found.blast(0)).bytes).toBe(0);
  for (const wrong of [-1, 1001, 0.5, Number.NaN])
    await expect(found.blast(wrong)).rejects.toThrow(RangeError);
});

it('is not there without native code, and says so', () => {
  vi.stubEnv('XFER_NATIVE', 'off');
  expect(referenceBlast()).toMatchObject({ ok: false, remedy: 'unset XFER_NATIVE' });
});
