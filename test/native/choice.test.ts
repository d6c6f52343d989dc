import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { addon } from './implementations.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

it('is the addon where it was built, and the same one at each call', async () => {
  const { nativeApi } = await import('../../src/native/index.js');
  const api = nativeApi();
  expect(api.kind).toBe(addon === undefined ? 'typescript' : 'native');
  expect(nativeApi()).toBe(api);
});

it('is the twin when XFER_NATIVE=off, which says why and what is slower', async () => {
  vi.stubEnv('XFER_NATIVE', 'off');
  const { nativeApi } = await import('../../src/native/index.js');
  expect(nativeApi().kind).toBe('typescript');
  expect(nativeApi().detail).toMatch(/XFER_NATIVE=off.*slower/);
});

it('prefers the same cipher either way', async () => {
  const first = await import('../../src/native/index.js');
  const one = first.nativeApi().preferredCipher;
  vi.resetModules();
  vi.stubEnv('XFER_NATIVE', 'off');
  const second = await import('../../src/native/index.js');
  expect(second.nativeApi().preferredCipher).toBe(one);
});

it.runIf(addon)('loads under plain node', () => {
  const path = fileURLToPath(new URL('../../native/build/Release/xfer_seal.node', import.meta.url));
  const child = spawnSync(process.execPath, ['-p', 'typeof require(process.argv[1]).sealFile', path]);
  expect(child.stdout.toString()).toBe('function\n');
});
