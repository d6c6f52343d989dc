// Runs at the beginning of each test file that shares its process: what it leaves behind there would be found by the next.
import { afterAll, expect, vi } from 'vitest';

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
  timers: { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, Date },
  listeners: Object.fromEntries(signals.map((name) => [name, process.listenerCount(name)])),
});

const before = found();

// Registered before all others, so it is the last.
afterAll(() => {
  // As the test runner does next: a spy on what was faked by then brings the fake back.
  vi.restoreAllMocks();
  expect(found(), 'what the test file leaves behind').toEqual(before);
});
