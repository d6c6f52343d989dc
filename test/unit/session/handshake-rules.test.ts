import { afterEach, describe, expect, it, vi } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { acceptHandshake, dialHandshake } from '../../../src/session/handshake.js';
import { HandshakeLimit } from '../../../src/session/handshake-limit.js';
import { streamPair, type FakeStream } from './fake-stream.js';
import { acceptOptions, dialOptions, makeGate, makeIdentity, meet, secret, settle } from './handshake-kit.js';

/** First byte of each message behind its length. */
const types = (stream: FakeStream) => stream.sent.map((bytes) => bytes[2]);
const known = (key: Uint8Array) => (other: Uint8Array) => Buffer.from(key).equals(other);
const wrong = { mode: { code: 'not the code at all' } };

describe('a code', () => {
  it('is proved by the dialer first, and a wrong proof is answered with nothing but the refusal', async () => {
    const { gate } = makeGate();
    let listener: FakeStream | undefined;
    const ends = await meet(dialOptions(wrong), acceptOptions({ gate }), (_, stream) => (listener = stream));
    expect([ends.dialer.code, ends.listener.code]).toEqual(['ERR_XFER_WRONG_CODE', 'ERR_XFER_WRONG_CODE']);
    expect(listener && types(listener)).toEqual([2, 0x7f]);
  });

  it('is not spent by a dialer that leaves before its proof', async () => {
    const { gate, spent } = makeGate();
    const [dialer, listener] = streamPair();
    const accepted = settle(acceptHandshake(listener, acceptOptions({ gate })));
    const interrupt = new AbortController();
    dialer.tap = (bytes) => (bytes[2] === 3 ? (interrupt.abort(), undefined) : bytes);
    await settle(dialHandshake(dialer, dialOptions({ signal: interrupt.signal })));
    expect((await accepted).code).toBe('ERR_XFER_CONNECTION_LOST');
    expect(spent).toEqual([]);
    expect((await meet(dialOptions(), acceptOptions({ gate }))).listener.code).toBeUndefined();
  });

  it('is not spent by garbage in the place of any message of the dialer', async () => {
    for (const type of [1, 3, 5]) {
      const { gate, spent } = makeGate();
      const garble = (stream: FakeStream) => {
        stream.tap = (bytes) => (bytes[2] === type ? Uint8Array.of(0, 5, 0xde, 0xad, 0xbe, 0xef, 0) : bytes);
      };
      const { listener, dialer } = await meet(dialOptions(), acceptOptions({ gate }), garble);
      expect(listener.code).toBe('ERR_XFER_PROTOCOL');
      expect(dialer.code).toBe('ERR_XFER_PROTOCOL');
      expect(spent).toEqual([]);
    }
  });

  it('is not spent by a share that is no element, which could be no guess', async () => {
    const { gate, spent } = makeGate();
    const { listener } = await meet(dialOptions(), acceptOptions({ gate }), (stream) => {
      stream.tap = (bytes) => (bytes[2] === 3 ? bytes.fill(0, 3, 35) : bytes);
    });
    expect(listener.code).toBe('ERR_XFER_HANDSHAKE');
    expect(spent).toEqual([]);
  });

  it('is tried once by a dialer, whatever the answer', async () => {
    const { gate } = makeGate('chosen');
    let dialer: FakeStream | undefined;
    await meet(dialOptions(wrong), acceptOptions({ gate }), (stream) => (dialer = stream));
    expect(dialer && types(dialer)).toEqual([1, 3]);
  });

  it('of the user serves again after a pairing, a made one does not', async () => {
    const chosen = makeGate('chosen');
    for (let i = 0; i < 2; i++)
      expect((await meet(dialOptions(), acceptOptions({ gate: chosen.gate }))).dialer.code).toBeUndefined();
    expect(chosen.spent).toEqual([]);
    const made = makeGate('made');
    await meet(dialOptions(), acceptOptions({ gate: made.gate }));
    expect((await meet(dialOptions(), acceptOptions({ gate: made.gate }))).dialer.code).toBe(
      'ERR_XFER_CODE_SPENT',
    );
  });

  it('given by the user is asked of known peers too', async () => {
    const identity = makeIdentity();
    const isKnown = vi.fn(() => true);
    const accept = acceptOptions({ gate: makeGate('chosen').gate, allowKnown: false, isKnown });
    const { dialer, listener } = await meet(
      dialOptions({ identity, mode: { expected: [accept.identity.publicKey] } }),
      accept,
    );
    expect([dialer.code, listener.code]).toEqual(['ERR_XFER_NO_CODE', 'ERR_XFER_NO_CODE']);
    expect(isKnown).not.toHaveBeenCalled();
  });

  it('is refused coarsely where nobody offered one', async () => {
    const { dialer, listener } = await meet(dialOptions(), acceptOptions());
    expect([dialer.code, listener.code]).toEqual(['ERR_XFER_REFUSED', 'ERR_XFER_REFUSED']);
  });

  it('does not spare the pinned key where both are asked for', async () => {
    const mode = { code: secret, expected: [makeIdentity().publicKey] };
    const { dialer } = await meet(dialOptions({ mode }), acceptOptions({ gate: makeGate().gate }));
    expect(dialer.code).toBe('ERR_XFER_KEY_CHANGED');
  });
});

describe('a known peer', () => {
  it('is told that it is not known only under its own proven key, in a message that tells others nothing', async () => {
    const asked: Uint8Array[] = [];
    const identity = makeIdentity();
    const accept = acceptOptions({ isKnown: (key) => (asked.push(key), false) });
    const streams: FakeStream[] = [];
    const refused = await meet(
      dialOptions({ identity, mode: { expected: [accept.identity.publicKey] } }),
      accept,
      (...both) => streams.push(...both),
    );
    expect([refused.dialer.code, refused.listener.code]).toEqual([
      'ERR_XFER_UNKNOWN_PEER',
      'ERR_XFER_UNKNOWN_PEER',
    ]);
    expect(asked).toEqual([identity.publicKey]);
    const taken = { ...accept, isKnown: known(identity.publicKey) };
    const others: FakeStream[] = [];
    await meet(dialOptions({ identity, mode: { expected: [accept.identity.publicKey] } }), taken, (...both) =>
      others.push(...both),
    );
    const shape = (stream: FakeStream | undefined) => stream?.sent.map((bytes) => [bytes[2], bytes.length]);
    expect(shape(streams[1])).toEqual(shape(others[1]));
  });

  it('with another key than the pinned one is refused before the dialer shows who it is', async () => {
    const accept = acceptOptions({ isKnown: () => true });
    let stream: FakeStream | undefined;
    const { dialer } = await meet(
      dialOptions({ mode: { expected: [makeIdentity().publicKey] } }),
      accept,
      (s) => (stream = s),
    );
    expect(dialer.code).toBe('ERR_XFER_KEY_CHANGED');
    expect(stream && types(stream)).toEqual([1, 3, 0x7f]);
  });

  it('is never anybody where no key is acceptable', async () => {
    const { dialer } = await meet(
      dialOptions({ mode: { expected: [] } }),
      acceptOptions({ isKnown: () => true }),
    );
    expect(dialer.code).toBe('ERR_XFER_KEY_CHANGED');
  });

  it('may have one of several keys', async () => {
    const accept = acceptOptions({ isKnown: () => Promise.resolve(true) });
    const expected = [makeIdentity().publicKey, accept.identity.publicKey];
    const { dialer, listener } = await meet(dialOptions({ mode: { expected } }), accept);
    expect(dialer.keys?.peerKey).toEqual(accept.identity.publicKey);
    expect(listener.keys?.secret).toEqual(dialer.keys?.secret);
  });

  it('is refused when it cannot be looked up', async () => {
    const accept = acceptOptions({ isKnown: () => Promise.reject(new Error('the disk is gone')) });
    const { dialer, listener } = await meet(
      dialOptions({ mode: { expected: [accept.identity.publicKey] } }),
      accept,
    );
    expect([dialer.code, listener.code]).toEqual(['ERR_XFER_REFUSED', 'ERR_XFER_INTERNAL']);
  });
});

describe('a handshake', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends when the other side says nothing', async () => {
    vi.useFakeTimers();
    const ends = Promise.all([
      settle(dialHandshake(streamPair()[0], dialOptions())),
      settle(acceptHandshake(streamPair()[1], acceptOptions({ gate: makeGate().gate }))),
    ]);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThanOrEqual(2));
    await vi.advanceTimersByTimeAsync(sessionDefaults.handshakeTimeoutMs);
    expect((await ends).map((end) => end.code)).toEqual(['ERR_XFER_TIMEOUT', 'ERR_XFER_TIMEOUT']);
  });

  it('frees the turn of a stranger who falls silent after the first message, and does not spend the code', async () => {
    vi.useFakeTimers();
    const { gate, spent } = makeGate();
    const [dialer, listener] = streamPair();
    dialer.tap = (bytes) => (bytes[2] === 1 ? bytes : undefined);
    const silentEnd = Promise.all([
      settle(dialHandshake(dialer, dialOptions())),
      settle(acceptHandshake(listener, acceptOptions({ gate }))),
    ]);
    await vi.waitFor(() => expect(types(listener)).toEqual([2]));
    const honest = meet(dialOptions(), acceptOptions({ gate, source: '198.51.100.7' }));
    await vi.advanceTimersByTimeAsync(sessionDefaults.pairingRunTimeoutMs);
    expect((await silentEnd).map((end) => end.code)).toEqual(['ERR_XFER_TIMEOUT', 'ERR_XFER_TIMEOUT']);
    expect((await honest).listener.keys?.paired).toBe(true);
    expect(spent).toEqual(['used']);
  });

  it('ends at once with the reason of the signal', async () => {
    const [dialer, listener] = streamPair();
    const interrupt = new AbortController();
    interrupt.abort();
    const accepted = settle(acceptHandshake(listener, acceptOptions()));
    expect((await settle(dialHandshake(dialer, dialOptions({ signal: interrupt.signal })))).code).toBe(
      'ERR_XFER_INTERRUPTED',
    );
    expect(dialer.wasReset).toBe(true);
    expect((await accepted).code).toBe('ERR_XFER_CONNECTION_LOST');
  });

  it('is refused where too many are under way, in all or from one source', async () => {
    const limit = new HandshakeLimit(2, 1);
    const [first, second] = [streamPair(), streamPair()];
    const waiting = [
      settle(acceptHandshake(first[1], acceptOptions({ limit, source: 'a' }))),
      settle(acceptHandshake(second[1], acceptOptions({ limit, source: 'b' }))),
    ];
    for (const source of ['a', 'c']) {
      const { dialer, listener } = await meet(dialOptions(), acceptOptions({ limit, source }));
      expect([dialer.code, listener.code]).toEqual(['ERR_XFER_LIMIT', 'ERR_XFER_LIMIT']);
    }
    first[0].reset(4);
    second[0].reset(4);
    await Promise.all(waiting);
    const { listener } = await meet(
      dialOptions(),
      acceptOptions({ limit, source: 'a', gate: makeGate().gate }),
    );
    expect(listener.code).toBeUndefined();
  });

  it('loses no byte that comes behind it, and holds the stream until it is taken', async () => {
    const [dialer, listener] = streamPair();
    const { gate } = makeGate();
    const accepted = acceptHandshake(listener, acceptOptions({ gate }));
    // The listener's first bytes of the session come glued to its last message, and more behind them.
    listener.tap = (bytes) => (bytes[2] === 6 ? Uint8Array.of(...bytes, 7, 8) : bytes);
    const keys = await dialHandshake(dialer, dialOptions());
    await accepted;
    listener.send(Uint8Array.of(9));
    listener.closeWrite();
    expect(keys.leftover).toEqual(Uint8Array.of(7, 8));
    expect(keys.isLost).toBe(false);
    const got: number[] = [];
    const ended = new Promise<void>((resolve) => dialer.onEnd(resolve));
    dialer.onData((bytes) => got.push(...bytes));
    expect(got).toEqual([]);
    dialer.resume();
    await ended;
    expect(got).toEqual([9]);
  });

  it('tells when the stream was lost before it was taken', async () => {
    const [dialer, listener] = streamPair();
    const accepted = acceptHandshake(listener, acceptOptions({ gate: makeGate().gate }));
    const keys = await dialHandshake(dialer, dialOptions());
    await accepted;
    listener.reset(1);
    await vi.waitFor(() => expect(keys.isLost).toBe(true));
  });
});
