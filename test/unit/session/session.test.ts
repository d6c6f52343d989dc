import { afterEach, describe, expect, it, vi } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { resetCode } from '../../../src/transport/contract.js';
import { HandStream } from './hand-stream.js';
import { bodyOf, contentHeader, fileBytes, text } from './lane-kit.js';
import { attach, begin, carry, hellos, meetRogue, rogueFor, sessionSecrets } from './session-kit.js';

const failure = (code: string) => expect.objectContaining({ code }) as XferError;
const send = (session: { sendControl(body: Uint8Array): void }, words: string) =>
  session.sendControl(text(words));

async function meet() {
  const [dialer, listener] = [begin('dialer'), begin('listener')];
  carry(dialer.stream, listener.stream);
  const [a, b] = await Promise.all([dialer.establishing, listener.establishing]);
  return { dialer: { ...dialer, ...attach(a) }, listener: { ...listener, ...attach(b) } };
}

afterEach(() => vi.useRealTimers());

describe('a session', () => {
  it('begins with the HELLO of each side', async () => {
    const { dialer, listener } = await meet();
    expect(dialer.session.hello).toEqual(hellos.recv);
    expect(listener.session.hello).toEqual(hellos.send);
    expect([dialer.texts, listener.texts]).toEqual([[], []]);
  });

  it('carries control messages both ways, each once and in order', async () => {
    const { dialer, listener } = await meet();
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    for (const words of texts) {
      send(dialer.session, words);
      send(listener.session, `answer to ${words}`);
    }
    carry(dialer.stream, listener.stream);
    expect(listener.texts).toEqual(texts);
    expect(dialer.texts).toEqual(texts.map((words) => `answer to ${words}`));
  });

  it('carries content, and counts the records of both directions alike', async () => {
    const { dialer, listener } = await meet();
    dialer.session.sendContent(0, { fd: 5, header: contentHeader({ offset: 7 }) }, () => undefined);
    dialer.seal.finish();
    carry(dialer.stream, listener.stream);
    const [content] = listener.contents;
    expect(content && bodyOf(content)).toEqual(Buffer.from(fileBytes(7, 1000)));
    expect([dialer.session.lanes, listener.session.lanes]).toEqual([[0], [0]]);
    expect(content?.lane).toBe(0);
  });

  it('ends in order when the other side has finished', async () => {
    const { dialer, listener } = await meet();
    send(dialer.session, 'last');
    dialer.session.finish();
    carry(dialer.stream, listener.stream);
    expect([listener.texts, listener.ends]).toEqual([['last'], [undefined]]);
  });

  it('takes what came with the handshake first', async () => {
    const other = begin('listener');
    const [hello = text('')] = other.stream.take();
    const dialer = begin('dialer', { secrets: { ...sessionSecrets('dialer'), leftover: hello } });
    other.stream.deliver(...dialer.stream.take());
    expect((await dialer.establishing).hello).toEqual(hellos.recv);
  });
});

describe('what comes before anybody listens', () => {
  it('is delivered in order and once when somebody does, content too', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.hello();
    rogue.say(2, 'a');
    rogue.lane.sendContent({ fd: 5, header: contentHeader() }, () => undefined);
    rogue.seal.finish();
    rogue.say(3, 'b');
    rogue.push();
    const session = await end.establishing;
    const { texts, contents } = attach(session);
    expect(texts).toEqual(['a', 'b']);
    expect(contents).toHaveLength(1);
    rogue.say(4, 'c');
    rogue.push();
    expect(texts).toEqual(['a', 'b', 'c']);
  });

  it('is kept where it is large, too', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.hello();
    for (const [i, letter] of ['a', 'b'].entries()) {
      rogue.say(i + 2, letter.repeat(100_000));
      rogue.push();
    }
    const { texts } = attach(await end.establishing);
    expect(texts).toEqual(['a'.repeat(100_000), 'b'.repeat(100_000)]);
  });

  it('is heard although the other side left right behind it', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.hello();
    rogue.say(2, 'why I go');
    rogue.push();
    end.stream.deliverFin();
    const { texts, ends } = attach(await end.establishing);
    expect([texts, ends]).toEqual([['why I go'], [undefined]]);
  });

  it('ends the session once where it is refused, and the rest is not delivered', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.hello();
    for (const [i, words] of ['a', 'bad', 'c'].entries()) rogue.say(i + 2, words);
    rogue.push();
    const { texts, ends } = attach(await end.establishing, {
      onControl: (body) => {
        if (Buffer.from(body).toString() === 'bad') throw new XferError('ERR_XFER_HOSTILE_NAME', 'bad');
      },
    });
    expect([texts, ends]).toEqual([['a', 'bad'], [failure('ERR_XFER_HOSTILE_NAME')]]);
    expect(end.stream.resetWith).toBe(resetCode.cancelled);
  });
});

describe('a session is not begun', () => {
  it.each<[string, Parameters<ReturnType<typeof rogueFor>['hello']>[0], string]>([
    ['with a version that is too new', { lowestVersion: 3, highestVersion: 9 }, 'ERR_XFER_VERSION'],
    ['with a version that is too old', { lowestVersion: 0, highestVersion: 1 }, 'ERR_XFER_VERSION'],
    ['with one that wants the same role', { role: 'send' }, 'ERR_XFER_USAGE'],
    ['with a HELLO that is too large', { name: 'x'.repeat(16 * 1024) }, 'ERR_XFER_PROTOCOL'],
  ])('%s', async (_, changes, code) => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.hello(changes);
    rogue.push();
    await expect(end.establishing).rejects.toEqual(failure(code));
    expect(end.stream.resetWith).toBe(resetCode.cancelled);
  });

  it('with one whose first message is none', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.say(1, 'good day');
    rogue.push();
    await expect(end.establishing).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it('with one that sends content first', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.lane.sendContent({ fd: 5, header: contentHeader() }, () => undefined);
    rogue.seal.finish();
    rogue.push();
    await expect(end.establishing).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it('with one that leaves', async () => {
    const end = begin('dialer');
    end.stream.deliverFin();
    await expect(end.establishing).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'));
  });

  it('with one that left while the handshake was finished', async () => {
    const end = begin('dialer', { secrets: { ...sessionSecrets('dialer'), isLost: true } });
    await expect(end.establishing).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'));
  });

  it('with one whose HELLO was altered', async () => {
    const end = begin('dialer');
    const rogue = rogueFor(end);
    rogue.hello();
    const [hello = text('')] = rogue.stream.take();
    hello[60] = (hello[60] ?? 0) ^ 1;
    end.stream.deliver(hello);
    await expect(end.establishing).rejects.toEqual(failure('ERR_XFER_TAMPERED'));
  });

  it('with one that says nothing in time', async () => {
    vi.useFakeTimers();
    const end = begin('dialer');
    const told = expect(end.establishing).rejects.toEqual(failure('ERR_XFER_TIMEOUT'));
    vi.advanceTimersByTime(sessionDefaults.handshakeTimeoutMs - 1);
    expect(end.stream.resetWith).toBeUndefined();
    vi.advanceTimersByTime(1);
    await told;
    expect(end.stream.resetWith).toBe(resetCode.cancelled);
  });

  it.each(['before', 'meanwhile'])('where the user has stopped it %s', async (when) => {
    const stop = new AbortController();
    const why = new XferError('ERR_XFER_INTERRUPTED', 'stop');
    if (when === 'before') stop.abort(why);
    const end = begin('dialer', { signal: stop.signal });
    stop.abort(why);
    await expect(end.establishing).rejects.toBe(why);
    expect(end.stream.resetWith).toBe(resetCode.cancelled);
    expect(end.stream.sent).toHaveLength(when === 'before' ? 0 : 1);
  });
});

describe('the numbers of control messages', () => {
  it('that repeat are delivered once', async () => {
    const { rogue, texts, ends } = await meetRogue();
    rogue.say(2, 'a');
    rogue.say(2, 'a again');
    rogue.say(1, 'HELLO again');
    rogue.say(3, 'b');
    rogue.push();
    expect([texts, ends]).toEqual([['a', 'b'], []]);
  });

  it('that have a gap wait until it is filled', async () => {
    const { rogue, texts } = await meetRogue();
    for (const number of [4, 3, 5]) rogue.say(number, `${number}`);
    rogue.push();
    expect(texts).toEqual([]);
    rogue.say(2, '2');
    rogue.push();
    expect(texts).toEqual(['2', '3', '4', '5']);
  });

  it('behind a gap are not delivered once one before them was refused', async () => {
    const { rogue, texts, ends } = await meetRogue({
      onControl: () => {
        throw new XferError('ERR_XFER_HOSTILE_NAME', 'no');
      },
    });
    rogue.say(3, 'behind');
    rogue.say(2, 'bad');
    rogue.push();
    expect([texts, ends]).toEqual([['bad'], [failure('ERR_XFER_HOSTILE_NAME')]]);
  });

  it('too far ahead end the session', async () => {
    const { rogue, ends } = await meetRogue();
    rogue.say(1 + sessionDefaults.maxUnacknowledgedControl, 'just within');
    rogue.push();
    expect(ends).toEqual([]);
    rogue.say(2 + sessionDefaults.maxUnacknowledgedControl, 'too far');
    rogue.push();
    expect(ends).toEqual([failure('ERR_XFER_PROTOCOL')]);
  });

  it('with too much behind a gap end the session', async () => {
    const { rogue, ends } = await meetRogue();
    const { maxControlBytes, maxEarlyControlBytes } = sessionDefaults;
    const words = 'x'.repeat(maxControlBytes);
    const within = maxEarlyControlBytes / maxControlBytes;
    for (let i = 0; i < within; i++) rogue.say(i + 3, words);
    rogue.push();
    expect(ends).toEqual([]);
    rogue.say(within + 3, 'x');
    rogue.push();
    expect(ends).toEqual([failure('ERR_XFER_PROTOCOL')]);
  });

  it('that confirm what was never sent end the session, and what they came with is not acted on', async () => {
    const { rogue, texts, ends, stream } = await meetRogue();
    rogue.say(2, 'a', 2);
    rogue.push();
    expect([texts, ends]).toEqual([[], [failure('ERR_XFER_PROTOCOL')]]);
    expect(stream.resetWith).toBe(resetCode.cancelled);
  });
});

describe('acknowledgements', () => {
  it('free room for more control messages', async () => {
    const { rogue, session, stream, ends } = await meetRogue();
    // HELLO is one of those that are kept.
    const most = sessionDefaults.maxUnacknowledgedControl - 1;
    for (let i = 0; i < most; i++) {
      expect(session.hasControlRoom).toBe(true);
      send(session, 'x');
    }
    expect([session.hasControlRoom, ends]).toEqual([false, []]);
    rogue.say(0, '', 1);
    rogue.push();
    expect(session.hasControlRoom).toBe(true);
    expect(stream.sent).toHaveLength(most);
  });

  it('that are missing let messages wait, in order, with the end behind them', async () => {
    const { rogue, session, stream, ends } = await meetRogue();
    const most = sessionDefaults.maxUnacknowledgedControl;
    for (let number = 2; number <= most + 2; number++) send(session, `message ${number}`);
    session.sendControl(() => text('last'));
    session.finish();
    send(session, 'too late');
    expect([stream.sent.length, stream.hasEnded, ends]).toEqual([most - 1, false, []]);
    rogue.stream.deliver(...stream.take());
    rogue.say(0, '', 2);
    rogue.push();
    expect([stream.sent.length, stream.hasEnded]).toEqual([2, false]);
    rogue.say(0, '', 3);
    rogue.push();
    expect(stream.hasEnded).toBe(true);
    rogue.stream.deliver(...stream.take());
    const expected = Array.from({ length: most + 1 }, (_, i) => `message ${i + 2}`);
    // An acknowledgement is what it ends with.
    expect(rogue.controls.slice(1).map(({ text: words }) => words)).toEqual([...expected, 'last', '']);
  });

  it('that never come end the session when too many wait', async () => {
    const { session, stream, ends } = await meetRogue();
    const { maxUnacknowledgedControl, maxWaitingControl } = sessionDefaults;
    for (let i = 1; i < maxUnacknowledgedControl + maxWaitingControl; i++) send(session, 'x');
    expect(ends).toEqual([]);
    send(session, 'one too many');
    expect(ends).toEqual([failure('ERR_XFER_PROTOCOL')]);
    expect(stream.sent).toHaveLength(maxUnacknowledgedControl - 1);
  });

  it('are sent by themselves to a side that only talks, and are not answered', async () => {
    const { rogue, stream } = await meetRogue();
    for (let number = 2; number < 32; number++) rogue.say(number, 'x');
    rogue.push();
    expect(stream.sent).toHaveLength(0);
    rogue.say(32, 'x');
    rogue.push();
    const before = rogue.controls.length;
    rogue.stream.deliver(...stream.take());
    expect(rogue.controls.slice(before)).toEqual([{ number: 0, acknowledged: 32, text: '' }]);
    for (let i = 0; i < 100; i++) rogue.say(0, '', 1);
    rogue.push();
    expect(stream.sent).toHaveLength(0);
  });

  it('ride on every message', async () => {
    const { rogue, session, stream } = await meetRogue();
    rogue.say(2, 'a');
    rogue.push();
    send(session, 'b');
    rogue.stream.deliver(...stream.take());
    expect(rogue.controls.at(-1)).toEqual({ number: 2, acknowledged: 2, text: 'b' });
  });
});

describe('the end of a session', () => {
  it('is told once, with the error of the handler that threw, and nothing is delivered behind it', async () => {
    const { rogue, texts, ends, stream } = await meetRogue({
      onControl: (body) => {
        if (body.length > 1) throw new XferError('ERR_XFER_HOSTILE_NAME', 'no');
      },
    });
    for (const [i, words] of ['a', 'bad', 'c'].entries()) rogue.say(i + 2, words);
    rogue.push();
    stream.deliverFin();
    stream.deliverReset(resetCode.internal);
    expect([texts, ends]).toEqual([['a', 'bad'], [failure('ERR_XFER_HOSTILE_NAME')]]);
    expect(stream.resetWith).toBe(resetCode.cancelled);
  });

  it('comes when the other side is silent too long; this one says now and then that it is there', async () => {
    vi.useFakeTimers();
    const { rogue, ends, stream } = await meetRogue();
    const quiet = sessionDefaults.silenceMs - 1_000;
    vi.advanceTimersByTime(quiet);
    const beats = stream.take();
    expect(beats.length).toBeGreaterThanOrEqual(Math.floor(quiet / (sessionDefaults.heartbeatMs + 1_000)));
    rogue.stream.deliver(...beats);
    expect(rogue.controls.at(-1)).toEqual({ number: 0, acknowledged: 1, text: '' });
    rogue.say(0, '', 1);
    rogue.push();
    vi.advanceTimersByTime(quiet);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(3_000);
    expect(ends).toEqual([failure('ERR_XFER_CONNECTION_LOST')]);
  });
});

describe('content that came before there was anybody for it', () => {
  it('gives back the memory that it came in where there never is', async () => {
    const stream = new HandStream({ mostKept: 8 });
    const end = { ...begin('dialer', { stream }), stream };
    const rogue = rogueFor(end);
    rogue.hello();
    rogue.lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes: 100_000 }) }, () => undefined);
    rogue.seal.finish();
    stream.deliver(...rogue.stream.take());
    expect(stream.lender.kept).toBe(1);
    stream.deliverReset(1);
    await expect(end.establishing).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    expect(stream.lender.kept).toBe(0);
  });
});
