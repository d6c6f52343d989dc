import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RateLimit } from '../../../src/app/rate-limit.js';
import { limitKeys } from '../../../src/ui/limit-keys.js';

/** What proc(5) says of this process; undefined where there is no such thing. */
const system = vi.hoisted(() => ({ stat: undefined as string | undefined }));
vi.mock('node:fs', () => ({
  readFileSync: (path: string) => {
    if (path === '/proc/self/stat' && system.stat !== undefined) return system.stat;
    throw new Error('ENOENT');
  },
}));
const foreground = '4711 (a ) name) S 1 77 70 34816 77 4194304 1 2';
const background = '4711 (a ) name) S 1 77 70 34816 78 4194304 1 2';

beforeEach(() => {
  system.stat = foreground;
});

class Terminal extends EventEmitter {
  isTTY = true;
  isRaw = false;
  readonly setRawMode = vi.fn((isRaw: boolean) => void (this.isRaw = isRaw));
  readonly pause = vi.fn();
  readonly resume = vi.fn();
  readonly unref = vi.fn();

  type(keys: string): void {
    this.emit('data', Buffer.from(keys, 'latin1'));
  }
}

function begin(change: (terminal: Terminal) => void = () => undefined) {
  const [terminal, limit, onChange] = [new Terminal(), new RateLimit(1_000_000), vi.fn()];
  change(terminal);
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const listeners = process.listenerCount('SIGCONT');
  const leave = limitKeys(limit, onChange, terminal as unknown as NodeJS.ReadStream);
  onTestFinished(() => {
    leave();
    kill.mockRestore();
  });
  const signals = () => kill.mock.calls.map(([pid, signal]) => [pid === process.pid, signal]);
  return {
    terminal,
    limit,
    onChange,
    leave,
    signals,
    continues: () => process.listenerCount('SIGCONT') - listeners,
  };
}

describe('keys while something is sent', () => {
  it.each([
    ['+', 1_250_000],
    ['=', 1_250_000],
    ['-', 800_000],
    ['--', 640_000],
    ['+-', 1_000_000],
  ])('change the limit: %s', (keys, expected) => {
    const { terminal, limit, onChange } = begin();
    terminal.type(keys);
    expect(limit.bytesPerSecond).toBeCloseTo(expected, 3);
    expect(onChange).toHaveBeenCalledTimes(keys.length);
  });

  it('that mean nothing do nothing', () => {
    const { terminal, limit, onChange, signals } = begin();
    terminal.type('q\r\n\x1b[A\x04\xab_');
    expect([limit.bytesPerSecond, onChange.mock.calls, signals()]).toEqual([1_000_000, [], []]);
  });

  it.each([
    ['Ctrl-C', '\x03', 'SIGINT'],
    ['Ctrl-\\', '\x1c', 'SIGQUIT'],
  ])('still end the process: %s', (_, key, signal) => {
    const { terminal, signals, onChange } = begin();
    terminal.type(key);
    expect([signals(), onChange.mock.calls]).toEqual([[[true, signal]], []]);
  });

  it('stop the process with the terminal as it was, and go on with it', () => {
    const { terminal, signals, limit } = begin();
    terminal.type('\x1a');
    expect([signals(), terminal.isRaw]).toEqual([[[true, 'SIGTSTP']], false]);
    process.emit('SIGCONT', 'SIGCONT');
    expect(terminal.isRaw).toBe(true);
    terminal.type('+');
    expect(limit.bytesPerSecond).toBe(1_250_000);
  });

  it('leave the terminal alone where the process goes on in the background', () => {
    const { terminal } = begin();
    terminal.type('\x1a');
    system.stat = background;
    process.emit('SIGCONT', 'SIGCONT');
    expect(terminal.isRaw).toBe(false);
  });
});

describe('the terminal', () => {
  it('is read without keeping the process alive, and given back', () => {
    const { terminal, leave, continues, limit, onChange } = begin();
    expect([terminal.isRaw, terminal.unref.mock.calls.length, terminal.resume.mock.calls.length]).toEqual([
      true,
      1,
      1,
    ]);
    expect([continues(), terminal.listenerCount('data')]).toEqual([1, 1]);
    leave();
    terminal.type('+');
    expect([terminal.isRaw, terminal.pause.mock.calls.length, continues()]).toEqual([false, 1, 0]);
    expect([limit.bytesPerSecond, onChange.mock.calls]).toEqual([1_000_000, []]);
  });

  it.each<[string, (terminal: Terminal) => void]>([
    ['there is none', (terminal) => (terminal.isTTY = false)],
    ['it is another job’s', () => (system.stat = background)],
    ['nobody can tell whose it is', () => (system.stat = undefined)],
  ])('is not touched where %s', (_, change) => {
    const { terminal, leave, continues } = begin(change);
    leave();
    expect(terminal.setRawMode).not.toHaveBeenCalled();
    expect([terminal.resume.mock.calls, terminal.listenerCount('data'), continues()]).toEqual([[], 0, 0]);
  });
});
