import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pipeView, type PipeViewOptions } from '../../../src/ui/pipe-view.js';

const plain: PipeViewOptions = { json: false, quiet: false, meter: false, use: 'takes' };
const connected = {
  event: 'connected',
  peer: 'alice',
  known: true,
  transport: 'tcp',
  path: 'direct',
} as const;
const listening = { event: 'listening', addresses: ['tcp://127.0.0.1:1'], code: '12-a-b' } as const;
const progress = {
  event: 'progress',
  bytes: 1e6,
  total: 0,
  sent: 0,
  files: 0,
  heldBytes: 1,
  windowBytes: 4,
} as const;
const broken = {
  event: 'error',
  code: 'ERR_XFER_BROKEN_PIPE',
  message: 'the reader has gone',
  remedy: 'nothing',
  exit: 141,
} as const;

/** A stderr that keeps what is written to it. */
function stderr(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
    { columns: 80, isTTY },
  ) as unknown as NodeJS.WriteStream;
  return { stream, text: () => text };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv('TERM', 'xterm');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('what a pipe shows', () => {
  it('is nothing where nothing is to be said', async () => {
    const { stream, text } = stderr(false);
    const view = pipeView(plain, stream);
    view.onEvent(connected);
    view.onEvent(progress);
    view.onEvent(broken);
    await vi.advanceTimersByTimeAsync(60_000);
    await view.close();
    expect(text()).toBe('');
  });

  it.each([
    ['takes', 'XFER_CODE=12-a-b xfer pipe tcp://127.0.0.1:1'],
    ['gives', 'XFER_CODE=12-a-b xfer pipe tcp://127.0.0.1:1 -'],
    ['both', 'XFER_CODE=12-a-b xfer pipe tcp://127.0.0.1:1 --duplex'],
  ] as const)('is what to type on the other machine where this one %s', (use, command) => {
    for (const isTerminal of [false, true]) {
      const { stream, text } = stderr(isTerminal);
      pipeView({ ...plain, use }, stream).onEvent(listening);
      const shown = isTerminal
        ? `listening on tcp://127.0.0.1:1\non the other machine type\n\n  ${command}\n\n`
        : `listening on tcp://127.0.0.1:1; on the other machine: ${command}\n`;
      expect(text()).toBe(shown);
    }
  });

  it('is the room, where it waits in one', () => {
    const { stream, text } = stderr(false);
    const room = { ...listening, addresses: [], via: ['relay.example'], room: '12' };
    pipeView(plain, stream).onEvent(room);
    expect(text()).toContain('XFER_CODE=12-a-b xfer pipe room: --via relay.example\n');
  });

  it('is notes and errors, those of one of several with its name', () => {
    const { stream, text } = stderr(false);
    const view = pipeView(plain, stream);
    view.onEvent({ event: 'note', message: 'n\u001b' });
    view.onEvent({ ...broken, target: 'host2' });
    expect(text()).toBe('note: n\\u{1b}\nxfer: host2: the reader has gone\n  nothing\n');
  });

  it('is errors and a made code alone under --quiet', () => {
    const { stream, text } = stderr(false);
    const view = pipeView({ ...plain, quiet: true }, stream);
    view.onEvent({ event: 'note', message: 'n' });
    view.onEvent({ event: 'listening', addresses: ['tcp://127.0.0.1:1'] });
    view.onEvent({ event: 'explain', decision: 'dial', message: 'e' });
    expect(text()).toBe('');
    view.onEvent(listening);
    view.onEvent({ ...broken, code: 'ERR_XFER_TIMEOUT' });
    expect(text()).toMatch(/^listening .*\nxfer: the reader/);
  });

  it('is every event under --json, a broken pipe too', async () => {
    const { stream, text } = stderr(false);
    const view = pipeView({ ...plain, json: true }, stream);
    view.onEvent(connected);
    view.onEvent(broken);
    await vi.advanceTimersByTimeAsync(0);
    const events = text().trimEnd().split('\n');
    expect(events.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
      'connected',
      'error',
    ]);
  });
});

describe('the meter', () => {
  const metered = { ...plain, meter: true };

  it('is drawn in place on a terminal, and leaves the whole behind', async () => {
    const { stream, text } = stderr(true);
    const view = pipeView(metered, stream);
    view.onEvent(connected);
    view.onEvent(progress);
    await vi.advanceTimersByTimeAsync(1000);
    const drawn = text().split('\r\u001b[K');
    expect(drawn).toHaveLength(5);
    expect(drawn[4]).toMatch(/^1\.00 MB +\S+ [kM]B\/s +1\.0 s +buffer █+░+ +25% of 4 B$/);
    await view.close();
    expect(text()).toMatch(/\r\u001b\[K1\.00 MB in 1\.0 s \(1\.00 MB\/s\)\n$/);
  });

  it('makes way for a note', async () => {
    const { stream, text } = stderr(true);
    const view = pipeView(metered, stream);
    view.onEvent(connected);
    await vi.advanceTimersByTimeAsync(250);
    view.onEvent({ event: 'note', message: 'n' });
    expect(text()).toMatch(/\r\u001b\[Knote: n\n$/);
    await view.close();
  });

  it('rests while somebody is asked', async () => {
    const { stream, text } = stderr(true);
    const view = pipeView(metered, stream);
    view.onEvent(connected);
    await view.suspended(() => vi.advanceTimersByTimeAsync(2000));
    expect(text()).toBe('');
    await view.close();
  });

  it('is a line every five seconds where there is no terminal', async () => {
    const { stream, text } = stderr(false);
    const view = pipeView(metered, stream);
    view.onEvent(progress);
    await vi.advanceTimersByTimeAsync(14_000);
    expect(text().split('\n')).toHaveLength(3);
    expect(text()).not.toMatch(/[\r\u001b]/);
    await view.close();
    expect(text().split('\n')).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(text().split('\n')).toHaveLength(4);
  });

  it('says nothing where nothing came', async () => {
    const { stream, text } = stderr(true);
    await pipeView(metered, stream).close();
    expect(text()).toBe('');
  });
});
