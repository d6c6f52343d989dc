import { describe, expect, it } from 'vitest';
import type { XferEvent } from '../../../src/app/events.js';
import { ndjsonView } from '../../../src/ui/ndjson-view.js';
import { plainView } from '../../../src/ui/plain-view.js';
import { quietView } from '../../../src/ui/quiet-view.js';
import type { View, Write } from '../../../src/ui/view.js';

const hostile = 'a\nb\u001b[2J\u202e\ud800';
const events: readonly XferEvent[] = [
  { event: 'listening', addresses: ['tcp://127.0.0.1:4840'], code: '4821-crossover-clockwork-melon' },
  { event: 'phase', phase: 'connect' },
  { event: 'connected', peer: hostile, known: false, transport: 'tcp', path: 'direct' },
  { event: 'lane', lane: 0, state: 'up', transport: 'tcp' },
  { event: 'progress', bytes: 1, total: 2, sent: 1, files: 1 },
  { event: 'note', message: hostile },
  {
    event: 'done',
    role: 'send',
    peer: hostile,
    bytes: 1_073_741_824,
    files: 3,
    seconds: 0.9,
    lanes: 1,
    transport: 'tcp',
    transports: {},
    path: 'direct',
    bottleneck: 'none',
  },
  { event: 'error', code: 'ERR_XFER_NOT_FOUND', message: hostile, remedy: 'check the path', exit: 6 },
];

function shown(make: (write: Write) => View): string {
  let text = '';
  const view = make((part) => (text += part));
  for (const event of events) view.onEvent(event);
  return text;
}

describe('every view of lines', () => {
  it.each([ndjsonView, plainView, quietView])('lets no hostile character out: %o', (make) => {
    expect(shown(make).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  });
});

describe('the view for programs', () => {
  it('gives every event back as it was, one a line, `event` first', () => {
    const lines = shown(ndjsonView).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(events);
    for (const line of lines) expect(line).toMatch(/^\{"event":"/);
  });

  it('puts `event` first although it came last', () => {
    const lines: string[] = [];
    ndjsonView((line) => lines.push(line)).onEvent({ message: 'm', event: 'note' });
    expect(lines).toEqual(['{"event":"note","message":"m"}\n']);
  });
});

describe('the view for logs', () => {
  it('has a line at the start and one at the end, and what a person should know', () => {
    const name = 'a\\u{a}b\\u{1b}[2J\\u{202e}\\u{d800}';
    expect(shown(plainView).trimEnd().split('\n')).toEqual([
      'listening on tcp://127.0.0.1:4840; on the other machine: XFER_CODE=4821-crossover-clockwork-melon xfer send PATH tcp://127.0.0.1:4840',
      `connected to ${name} (tcp, direct)`,
      `note: ${name}`,
      `sent 3 files, 1.07 GB in 0.9 s (1.19 GB/s) to ${name} (tcp, direct)`,
      `xfer: ${name}`,
      '  check the path',
    ]);
  });
});

describe('the quiet view', () => {
  it('shows errors, and a code that nobody knows yet', () => {
    const text = shown(quietView);
    expect(text).toContain('check the path');
    expect(text).toContain('XFER_CODE=4821-crossover-clockwork-melon');
    expect(text.trimEnd().split('\n')).toHaveLength(3);
  });

  it('says nothing about listening where the user chose the code', () => {
    let text = '';
    quietView((part) => (text += part)).onEvent({ event: 'listening', addresses: ['tcp://h:1'] });
    expect(text).toBe('');
  });
});
