import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TerminalView } from '../../../src/ui/terminal-view.js';

/** A terminal that keeps what is written to it. */
function terminal(): { stream: NodeJS.WriteStream; text: () => string; raw: () => string } {
  let raw = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        raw += chunk.toString();
        done();
      },
    }),
    { columns: 80, rows: 24, isTTY: true },
  ) as unknown as NodeJS.WriteStream;
  return { stream, raw: () => raw, text: () => stripVTControlCharacters(raw) };
}

const connected = {
  event: 'connected',
  peer: 'al\u001b[31mice',
  known: true,
  transport: 'tcp',
  path: 'direct',
} as const;
const done = {
  event: 'done',
  role: 'recv',
  peer: 'alice',
  bytes: 1000,
  files: 1,
  seconds: 1,
  lanes: 1,
  transport: 'tcp',
  transports: {},
  path: 'direct',
  bottleneck: 'none',
} as const;

afterEach(() => {
  vi.useRealTimers();
});

describe('the view for terminals', () => {
  it('ticks every phase and ends with a line, transfer after transfer', async () => {
    const { stream, text } = terminal();
    const view = new TerminalView(stream);
    for (let turn = 0; turn < 2; turn++) {
      for (const phase of ['connect', 'pair', 'transfer'] as const) view.onEvent({ event: 'phase', phase });
      view.onEvent({ event: 'progress', bytes: 1, total: 2, sent: 1, files: 1 });
      view.onEvent({ event: 'phase', phase: 'commit' });
      view.onEvent(done);
    }
    await view.close();
    expect(text().match(/received 1 file, 1\.00 kB in 1\.0 s \(1\.00 kB\/s\) from alice/g)).toHaveLength(2);
    for (const phase of ['connect', 'pair', 'transfer', 'commit'])
      expect(text().match(new RegExp(`✔ ${phase}`, 'g'))?.length).toBeGreaterThanOrEqual(2);
  });

  it('crosses the phase that failed, then tells notes and the error', async () => {
    const { stream, text } = terminal();
    const view = new TerminalView(stream);
    view.onEvent({ event: 'phase', phase: 'connect' });
    view.onEvent(connected);
    view.onEvent({ event: 'phase', phase: 'pair' });
    view.onEvent({ event: 'note', message: 'a\nb' });
    view.onEvent({ event: 'error', code: 'ERR_XFER_WRONG_CODE', message: 'wrong', remedy: 'ask', exit: 4 });
    await view.close();
    expect(text()).toMatch(/✔ connect: al\\u\{1b\}\[31mice \(tcp, direct\)\s+✖ pair/);
    expect(text()).toMatch(/note: a\\u\{a\}b\nxfer: wrong\n {2}ask\n$/);
  });

  it('tells of several targets when all have ended, and ticks the phases only where none failed', async () => {
    const sent = { ...done, role: 'send' } as const;
    for (const hasFailed of [false, true]) {
      const { stream, text } = terminal();
      const view = new TerminalView(stream);
      view.onEvent({ event: 'phase', phase: 'connect' });
      view.onEvent({ ...connected, peer: 'one', target: 'h1' });
      view.onEvent({ ...connected, peer: 'two', target: 'h2' });
      view.onEvent({ event: 'phase', phase: 'transfer' });
      view.onEvent({ ...sent, target: 'h1' });
      view.onEvent({ event: 'note', message: 'slow', target: 'h2' });
      const error = { code: 'ERR_XFER_NO_SPACE', message: 'full', remedy: 'ask', exit: 6 };
      view.onEvent(hasFailed ? { event: 'error', ...error, target: 'h2' } : { ...sent, target: 'h2' });
      await view.close();
      expect(text()).toContain('connect: one (tcp, direct), two (tcp, direct)');
      const lines = text().slice(text().indexOf('note: '));
      expect(lines).toMatch(/^note: h2: slow\nsent .* to h1: alice \(tcp, direct\)\n/);
      expect(lines).toMatch(hasFailed ? /\nxfer: h2: full\n {2}ask\n$/ : / to h2: alice \(tcp, direct\)\n$/);
      expect(text().includes('✖')).toBe(hasFailed);
      expect(text().includes('✔ commit')).toBe(!hasFailed);
    }
  });

  it('keeps a bounded number of notes', async () => {
    const { stream, text } = terminal();
    const view = new TerminalView(stream);
    view.onEvent({ event: 'phase', phase: 'transfer' });
    for (let at = 0; at < 60; at++) view.onEvent({ event: 'note', message: `n${at}` });
    view.onEvent(done);
    await view.close();
    expect(text().match(/note: n/g)).toHaveLength(50);
    expect(text()).toContain('and 10 more such notes');
  });

  it('draws nothing while the terminal is lent out, and goes on afterwards', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { stream, text } = terminal();
    const view = new TerminalView(stream);
    view.onEvent({ event: 'phase', phase: 'connect' });
    const during = await view.suspended(async () => {
      const before = text().length;
      await vi.advanceTimersByTimeAsync(1000);
      return text().slice(before);
    });
    expect(during).toBe('');
    const before = text().length;
    await vi.advanceTimersByTimeAsync(1000);
    expect(text().length).toBeGreaterThan(before);
    view.onEvent(done);
    await view.close();
    expect(text()).toContain('✔ commit');
  });

  it('shows where it listens with a command on a line of its own, and shows the cursor again', async () => {
    const { stream, text, raw } = terminal();
    const view = new TerminalView(stream);
    view.onEvent({ event: 'listening', addresses: ['tcp://127.0.0.1:1'], code: '1-a-b' });
    view.onEvent({ event: 'phase', phase: 'connect' });
    await view.close();
    expect(text()).toContain('\n  XFER_CODE=1-a-b xfer send PATH tcp://127.0.0.1:1\n');
    expect(raw().lastIndexOf('\u001b[?25h')).toBeGreaterThan(raw().lastIndexOf('\u001b[?25l'));
  });
});
