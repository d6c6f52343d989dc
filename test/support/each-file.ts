// Runs at the beginning of each test file: what the file leaves behind in its process would be found by the next.
import { afterAll, expect, vi } from 'vitest';
import { endFile } from './after-file.js';

const signals = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGPIPE',
  'SIGWINCH',
  'uncaughtException',
  'unhandledRejection',
];

const found = () => ({
  exitCode: process.exitCode,
  directory: process.cwd(),
  environment: { ...process.env },
  fakeTimers: vi.isFakeTimers(),
  listeners: Object.fromEntries(signals.map((name) => [name, process.listenerCount(name)])),
});

const before = found();

// Registered before all others, so it is the last.
afterAll(async () => {
  await endFile();
  expect(found(), 'what the test file leaves behind').toEqual(before);
});
