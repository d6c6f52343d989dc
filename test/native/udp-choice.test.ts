import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { udpAddon } from './udp-implementations.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

it('is the addon where it was built, and the same one at each call', async () => {
  const { udpApi } = await import('../../src/plugin.js');
  const api = await udpApi();
  expect(api.kind).toBe(udpAddon === undefined ? 'typescript' : 'native');
  expect(await udpApi()).toBe(api);
  const { batchSocket } = await import('../../src/index.js');
  const socket = await batchSocket({ host: '127.0.0.1', port: 0 });
  expect(socket.features.kind).toBe(api.kind);
  socket.close();
});

it('is the twin when XFER_NATIVE=off, which says why and what is slower', async () => {
  vi.stubEnv('XFER_NATIVE', 'off');
  const { udpApi } = await import('../../src/native/load-udp.js');
  const api = await udpApi();
  expect(api.kind).toBe('typescript');
  expect(api.detail).toMatch(/XFER_NATIVE=off.*slower/);
});

it.runIf(udpAddon)('loads under plain node', () => {
  const path = fileURLToPath(new URL('../../native/build/Release/xfer_udp.node', import.meta.url));
  const child = spawnSync(process.execPath, ['-p', 'typeof require(process.argv[1]).UdpSocket', path]);
  expect(child.stdout.toString()).toBe('function\n');
});
