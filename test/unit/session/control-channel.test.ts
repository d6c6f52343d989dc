import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import type { XferError } from '../../../src/errors/index.js';
import { ControlChannel, type ControlBody } from '../../../src/session/control-channel.js';
import { recordKind } from '../../../src/session/record-header.js';

const { maxUnacknowledgedControl, maxWaitingControl } = sessionDefaults;

interface Sent {
  readonly number: number;
  readonly acknowledged: number;
  readonly text: string;
}

/** One end, whose other end is the test. */
function channel() {
  const sent: Sent[] = [];
  const delivered: string[] = [];
  const breaches: XferError[] = [];
  /** How much was delivered whenever all that was said was acknowledged. */
  const acknowledged: number[] = [];
  const end = new ControlChannel({
    transmit: (number, acknowledged, body) =>
      sent.push({ number, acknowledged, text: Buffer.from(body).toString() }),
    deliver: (body, retain) => delivered.push(`${Buffer.from(body).toString()}${retain ? ' lent' : ''}`),
    onAcknowledged: () => acknowledged.push(delivered.length),
    onBreach: (error) => breaches.push(error),
  });
  const say = (...texts: (string | (() => string))[]) => {
    for (const text of texts) {
      const body: ControlBody = typeof text === 'function' ? () => Buffer.from(text()) : Buffer.from(text);
      end.say(body);
    }
  };
  const hear = (number: number, text: string, acknowledged = 0, retain?: () => undefined) => {
    const body = Buffer.from(text);
    const header = { kind: recordKind.control, layout: 0, bodyBytes: body.length, number: 0 };
    end.handle({ ...header, entry: number, offset: acknowledged }, body, retain);
    if (retain) body.fill('?');
  };
  return { end, sent, delivered, breaches, acknowledged, say, hear };
}

describe('what is said', () => {
  it('goes at once, numbered, and is kept until it is acknowledged', () => {
    const { end, sent, say, hear } = channel();
    say('a', 'b', 'c');
    expect(sent.map(({ number, text }) => [number, text])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect([end.isFlushed, end.isAcknowledged]).toEqual([true, false]);
    hear(0, '', 2);
    sent.length = 0;
    end.repeat();
    expect(sent).toEqual([
      { number: 3, acknowledged: 0, text: 'c' },
      { number: 0, acknowledged: 0, text: '' },
    ]);
    hear(0, '', 3);
    expect(end.isAcknowledged).toBe(true);
  });

  it('waits behind so many that are not acknowledged, and says then what is so then', () => {
    const { end, sent, say, hear } = channel();
    let state = 'early';
    for (let n = 0; n < maxUnacknowledgedControl; n++) say('x');
    say(() => state, 'last');
    expect([sent.length, end.hasRoom, end.isFlushed]).toEqual([maxUnacknowledgedControl, false, false]);
    state = 'late';
    hear(0, '', 1);
    expect(sent.at(-1)).toMatchObject({ number: maxUnacknowledgedControl + 1, text: 'late' });
    hear(0, '', 2);
    expect(sent.at(-1)).toMatchObject({ number: maxUnacknowledgedControl + 2, text: 'last' });
    expect(end.isFlushed).toBe(true);
  });

  it('ends in a breach where the other side acknowledges nothing for ever', () => {
    const { breaches, say } = channel();
    for (let n = 0; n < maxUnacknowledgedControl + maxWaitingControl; n++) say('x');
    expect(breaches).toEqual([]);
    say('x');
    expect(breaches).toMatchObject([{ code: 'ERR_XFER_PROTOCOL' }]);
  });

  it('is nothing any more when it is closed', () => {
    const { end, sent, say } = channel();
    end.close();
    say('a');
    expect(sent).toEqual([]);
  });
});

describe('what is late', () => {
  const take = (end: ControlChannel, inMs: number, isUrgent = false) =>
    end.takeLate(isUrgent, performance.now() + inMs).map(({ body }) => Buffer.from(body).toString());

  it('is what nobody has acknowledged for 300 ms, once and in order', () => {
    const { end, say, hear } = channel();
    say('a', 'b', 'c');
    hear(0, '', 1);
    expect([take(end, 250), take(end, 350), take(end, 9_000)]).toEqual([[], ['b', 'c'], []]);
    say('d');
    expect([take(end, 350), take(end, 350)]).toEqual([['d'], []]);
  });

  it('is everything where it is urgent', () => {
    const { end, say } = channel();
    say('a', 'b');
    expect([take(end, 0, true), take(end, 0, true)]).toEqual([['a', 'b'], []]);
  });

  it('is no more than 16 KiB at once, but one message of any size', () => {
    const { end, say } = channel();
    const [large, small] = ['L'.repeat(20_000), 's'.repeat(8_000)];
    say(large, small, small, small);
    expect([1, 2, 3, 4].map(() => take(end, 350))).toEqual([[large], [small, small], [small], []]);
  });

  it('depends on what is usual, which what was said twice does not tell', async () => {
    const { end, say, hear } = channel();
    say('a');
    await new Promise((resolve) => setTimeout(resolve, 250));
    hear(0, '', 1);
    say('b');
    expect(take(end, 700)).toEqual([]);
    end.repeat();
    hear(0, '', 2);
    say('c');
    expect([take(end, 700), take(end, 1_000)]).toEqual([[], ['c']]);
  });
});

describe('what is heard', () => {
  it('tells that all is acknowledged before what came with that', () => {
    const { delivered, acknowledged, say, hear } = channel();
    say('a', 'b');
    hear(1, 'x', 1);
    expect(acknowledged).toEqual([]);
    hear(2, 'y', 2);
    expect([acknowledged, delivered]).toEqual([[1], ['x', 'y']]);
  });

  it('stands in memory of its own where it came too early', () => {
    const { delivered, hear } = channel();
    hear(2, 'b', 0, () => undefined);
    hear(1, 'a', 0, () => undefined);
    hear(3, 'c');
    expect(delivered).toEqual(['a lent', 'b', 'c']);
  });

  it('is delivered once and in order, over however many lanes it comes', () => {
    const { delivered, hear } = channel();
    hear(2, 'b');
    hear(1, 'a');
    hear(2, 'b');
    hear(4, 'd');
    hear(1, 'a');
    hear(3, 'c');
    expect(delivered).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is acknowledged now and then although nothing else is said', () => {
    const { end, sent, hear } = channel();
    for (let number = 1; number <= 31; number++) hear(number, 'x');
    expect(sent).toEqual([]);
    hear(32, 'x');
    expect(sent).toEqual([{ number: 0, acknowledged: 32, text: '' }]);
    expect(end.delivered).toBe(32);
  });

  it('is acknowledged with what is said', () => {
    const { sent, say, hear } = channel();
    hear(1, 'x');
    say('a');
    expect(sent).toEqual([{ number: 1, acknowledged: 1, text: 'a' }]);
  });

  it('is not delivered behind a close, also of what came in the same turn', () => {
    const { end, delivered, hear } = channel();
    hear(2, 'b');
    end.close();
    hear(1, 'a');
    expect(delivered).toEqual([]);
  });

  it.each<[string, (end: ReturnType<typeof channel>) => void]>([
    ['acknowledges what was never sent', ({ hear }) => hear(1, 'x', 1)],
    ['runs far ahead', ({ hear }) => hear(maxUnacknowledgedControl + 1, 'x')],
    [
      'leaves too much waiting for one that is missing',
      ({ hear }) => {
        const text = 'x'.repeat(sessionDefaults.maxEarlyControlBytes / 4 + 1);
        for (const number of [2, 3, 4, 5]) hear(number, text);
      },
    ],
  ])('is a breach where it %s', (_, act) => {
    const end = channel();
    act(end);
    expect(end.breaches).toMatchObject([{ code: 'ERR_XFER_PROTOCOL' }]);
    expect(end.delivered).toEqual([]);
  });
});
