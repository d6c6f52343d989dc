import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { resetCode, type Connection, type Stream } from 'xfer/plugin';
import { MeasuringListener } from '../../../src/transport/measuring-listener.js';
import { goodputOf, MeasuringDialer } from '../../../src/transport/measuring-dialer.js';
import {
  decodeReport,
  encodeReport,
  measuringByte,
  measuringHeader,
  reportBytes,
} from '../../../src/transport/measuring.js';
import { openErrorCode } from '../../../src/transport/contract.js';
import { readAll, turns } from '../../../src/compliance/pair.js';
import { memory } from '../../support/memory-transport.js';

const ends: Connection[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.abort(new Error('the test is over'));
});

/** Both ends of a connection; `onStream` is the listener's. */
async function connect(onStream: (stream: Stream, header: Uint8Array) => void): Promise<Connection> {
  const transport = await memory().load();
  const at = { scheme: 'memory', host: 'x', port: 1 };
  await transport.listen(at, { onConnection: (connection) => connection.onStream(onStream) });
  const dialed = await transport.dial(at, { signal: new AbortController().signal });
  ends.push(dialed);
  return dialed;
}

const short = { contentMs: 60, reportMs: 20 } as const;

async function measured(
  limits: ConstructorParameters<typeof MeasuringListener>[0]['limits'] = short,
  isBusy = () => false,
): Promise<Connection> {
  const listener = new MeasuringListener({ isBusy, limits });
  return connect((stream, header) => {
    if (!listener.take(stream, header, 'source')) stream.refuse(openErrorCode.refused);
  });
}

async function opened(connection: Connection): Promise<MeasuringDialer> {
  const dialer = await MeasuringDialer.open(connection);
  if ('refused' in dialer) return expect.unreachable(dialer.refused);
  return dialer;
}

/** One that a dialer writes by hand. */
function rawStream(connection: Connection): Stream {
  return connection.openStream({ header: measuringHeader });
}

/** Of the streams that are opened from now on; `send`: in place of the stream's own. */
function countSends(connection: Connection, send?: () => boolean): { sent: number } {
  const seen = { sent: 0 };
  const open = connection.openStream.bind(connection);
  connection.openStream = (options) => {
    const stream = open(options);
    const own = stream.send.bind(stream);
    stream.send = (...args) => {
      seen.sent++;
      return send?.() ?? own(...args);
    };
    return stream;
  };
  return seen;
}

async function resetOf(stream: Stream): Promise<number> {
  return new Promise((resolve) => stream.onReset((code) => resolve(code)));
}

describe('a measuring stream', () => {
  it('sends pings back, as many as are asked for', async () => {
    const dialer = await opened(await measured());
    const trips = await dialer.ping(5, 10_000);
    expect(trips).toHaveLength(5);
    expect(Math.min(dialer.openedMs, ...trips)).toBeGreaterThanOrEqual(0);
  });

  it('answers pings that come together by one answer', async () => {
    const answers: number[] = [];
    const listener = new MeasuringListener({ isBusy: () => true });
    const connection = await connect((stream, header) => {
      const send = stream.send.bind(stream);
      stream.send = (bytes) => {
        answers.push(Buffer.concat([bytes].flat()).length);
        return send(bytes);
      };
      listener.take(stream, header, 'source');
    });
    const raw = rawStream(connection);
    raw.send(new Uint8Array(60).fill(measuringByte.ping));
    raw.send(Uint8Array.of(measuringByte.ping, measuringByte.content));
    const said = await readAll(raw);
    expect(answers).toEqual([61, 1]);
    expect([...said]).toEqual([...new Uint8Array(61).fill(measuringByte.ping), measuringByte.busy]);
  });

  it('has content counted for a while, and says how much came meanwhile', async () => {
    const dialer = await opened(await measured());
    const reports = await dialer.sendContent();
    if (reports === 'busy') return expect.unreachable();
    expect(reports.length).toBeGreaterThan(0);
    const [first, last] = [reports[0]!, reports.at(-1)!];
    expect(last.bytes).toBeGreaterThan(256 * 1024);
    expect(last.bytes).toBeGreaterThanOrEqual(first.bytes);
    expect(last.us).toBeGreaterThanOrEqual(60_000 - 2_000);
  });

  it('takes no more content than it may', async () => {
    const most = 3 * 2 ** 20;
    const dialer = await opened(await measured({ maxContentBytes: most }));
    const reports = await dialer.sendContent();
    if (reports === 'busy') return expect.unreachable();
    const bytes = reports.at(-1)?.bytes ?? 0;
    expect(bytes).toBeGreaterThanOrEqual(most);
    // A piece is at most a frame.
    expect(bytes).toBeLessThan(most + 2 ** 21);
  });

  it('takes no content where something else is under way, but answers pings', async () => {
    const dialer = await opened(await measured(short, () => true));
    expect(await dialer.ping(2, 10_000)).toHaveLength(2);
    expect(await dialer.sendContent()).toBe('busy');
  });

  it('takes content of one at a time, then of the next', async () => {
    const connection = await measured();
    const [one, other] = [await opened(connection), await opened(connection)];
    const both = await Promise.all([one.sendContent(), other.sendContent()]);
    expect(both.map((result) => result === 'busy')).toEqual([false, true]);
    expect(await (await opened(connection)).sendContent()).not.toBe('busy');
  });

  it('gives its turn back when its connection ends', async () => {
    const listener = new MeasuringListener({ isBusy: () => false, limits: { ...short, contentMs: 60_000 } });
    const take = (stream: Stream, header: Uint8Array) => void listener.take(stream, header, 'source');
    const lost = await connect(take);
    const dialer = await opened(lost);
    const sending = dialer.sendContent();
    lost.abort(new Error('gone'));
    await sending;
    const raw = rawStream(await connect(take));
    raw.send(Uint8Array.of(measuringByte.content));
    raw.closeWrite();
    const first = await new Promise<Uint8Array>((resolve) => raw.onData((bytes) => resolve(bytes.slice())));
    expect(first[0]).toBe(measuringByte.report);
  });

  it('sends no more once the listener reads no more, and waits for the end', async () => {
    const connection = await connect((stream) => {
      stream.accept();
      stream.onData(() => {
        stream.stopReading(resetCode.cancelled);
        void turns(50).then(() => stream.closeWrite());
      });
    });
    const blocks = countSends(connection);
    expect(await (await opened(connection)).sendContent()).toEqual([]);
    expect(blocks.sent).toBeLessThan(1000);
  });

  it('lets others run while it sends, though the link takes all', async () => {
    const connection = await connect((stream) => stream.accept());
    const blocks = countSends(connection, () => true);
    const dialer = await opened(connection);
    setImmediate(() => setImmediate(() => connection.abort(new Error('enough'))));
    expect(await dialer.sendContent()).toEqual([]);
    expect(blocks.sent).toBeLessThan(1000);
  });

  it('is refused past the limits, which is told from one that nobody takes', async () => {
    const none = await connect((stream) => stream.refuse(openErrorCode.refused));
    expect(await MeasuringDialer.open(none)).toMatchObject({
      refused: 'not offered',
      roundTripMs: expect.any(Number) as number,
    });
    const full = await measured({ streamsPerMinute: 1 });
    await opened(full);
    expect(await MeasuringDialer.open(full)).toMatchObject({ refused: 'busy' });
    const shut = await connect((stream) => stream.refuse(openErrorCode.accessDenied));
    expect(await MeasuringDialer.open(shut)).toMatchObject({ refused: 'refused' });
  });

  it('leaves other streams to others', async () => {
    const listener = new MeasuringListener({ isBusy: () => false });
    const seen = new Promise<boolean>((resolve) => {
      void connect((stream, header) => resolve(listener.take(stream, header, 'source'))).then((connection) =>
        connection.openStream({ header: Uint8Array.of(0x78, 0x66, 0x65, 0x72, 1) }),
      );
    });
    expect(await seen).toBe(false);
  });
});

describe('a dialer that misbehaves', () => {
  it.each([
    ['says what is no word', [9], resetCode.protocol],
    ['pings without end', Array.from({ length: 70 }, () => measuringByte.ping), resetCode.protocol],
  ])('is reset where it %s', async (_what, bytes, code) => {
    const stream = rawStream(await measured());
    const reset = resetOf(stream);
    stream.send(Uint8Array.from(bytes));
    expect(await reset).toBe(code);
  });

  it('is reset where it says nothing for too long', async () => {
    const stream = rawStream(await measured({ lifetimeMs: 20 }));
    expect(await resetOf(stream)).toBe(resetCode.timeout);
  });
});

describe('a listener that misbehaves', () => {
  const answering = (bytes: Uint8Array) =>
    connect((stream) => {
      stream.accept();
      stream.onData(() => stream.send(bytes));
    });

  it('ends the measuring by what is no word', async () => {
    const dialer = await opened(await answering(Uint8Array.of(77)));
    expect(await dialer.ping(3, 10_000)).toHaveLength(1);
    expect(await dialer.sendContent()).toEqual([]);
  });

  it('ends it by reports without end, and by numbers that are none', async () => {
    const many = Buffer.concat(Array.from({ length: 100 }, () => encodeReport({ bytes: 1, us: 1 })));
    const dialer = await opened(await answering(many));
    const reports = await dialer.sendContent();
    expect(reports.length).toBeLessThanOrEqual(64);
    const huge = new Uint8Array(reportBytes).fill(0xff);
    huge[0] = measuringByte.report;
    expect(await (await opened(await answering(huge))).sendContent()).toEqual([]);
  });
});

describe('a report', () => {
  it('is what was written', () => {
    const numbers = fc.record({ bytes: fc.maxSafeNat(), us: fc.maxSafeNat() });
    fc.assert(
      fc.property(numbers, (report) => {
        expect(decodeReport(encodeReport(report))).toEqual(report);
      }),
    );
  });

  it('gives the goodput of the second half', () => {
    expect(goodputOf([])).toBeUndefined();
    expect(goodputOf([{ bytes: 0, us: 0 }])).toBeUndefined();
    expect(goodputOf([{ bytes: 500, us: 1_000_000 }])).toBe(500);
    const begun = [
      { bytes: 10, us: 500_000 },
      { bytes: 100, us: 1_000_000 },
      { bytes: 600, us: 1_500_000 },
      { bytes: 1100, us: 2_000_000 },
    ];
    expect(goodputOf(begun)).toBe(1000);
    // A clock that goes back, a count that shrinks: nothing that could be shown.
    expect(
      goodputOf([
        { bytes: 10, us: 100 },
        { bytes: 5, us: 200 },
      ]),
    ).toBeUndefined();
  });
});
