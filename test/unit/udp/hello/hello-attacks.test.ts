import { describe, expect, it } from 'vitest';
import {
  encodeAccept,
  encodeRefused,
  encodeRetry,
  encodeUntaggedAccept,
  encodeVersions,
} from '../../../../plugins/udp/src/hello/answer-packets.js';
import { parseHello } from '../../../../plugins/udp/src/hello/hello-packet.js';
import { sipHash } from '../../../support/sip-hash.js';
import {
  accepted,
  answerOf,
  connected,
  dialer,
  dialerAt,
  dialerOf,
  knownCrypto,
  listener,
  listenerSays,
  secondHello,
} from './hello-kit.js';

const elsewhere = { host: '203.0.113.9', port: 4_000 };
const idOf = (hello: Uint8Array) => hello.slice(3, 11);
const flipped = (bytes: Uint8Array, at: number) => {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
};

describe('who replays a HELLO', () => {
  it('from another address gets a cookie for that, and no connection', () => {
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to);
    accepted(to, 0, hello);
    for (const address of [elsewhere, { ...dialerAt, port: 1 }]) {
      const answer = answerOf(to, 1, hello, address);
      expect(answer[0]).toBe(0x11);
    }
    expect(to.remembered).toBe(1);
  });

  it('when its cookie has expired gets a cookie', () => {
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to);
    accepted(to, 0, hello);
    for (const now of [10_001, 1e5, 1e7]) expect(answerOf(to, now, hello)[0]).toBe(0x11);
  });

  it('before that gets the same ACCEPT, whenever the first came', () => {
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to, 0);
    const { bytes } = accepted(to, 9_990, hello);
    for (const now of [9_991, 10_000]) expect(answerOf(to, now, hello)).toEqual(bytes);
  });
});

describe('who changes a HELLO', () => {
  it('at any byte makes no connection that the dialer takes', () => {
    const [from, to] = [dialer(Uint8Array.of(1, 2, 3, 4)), listener()];
    const hello = secondHello(from, to);
    for (let at = 0; at < hello.length; at++) {
      const to = listener();
      secondHello(dialer(Uint8Array.of(1, 2, 3, 4)), to);
      const outcome = to.handleDatagram(0, dialerAt, flipped(hello, at));
      if (outcome?.kind === 'answer') {
        // RETRY, or VERSIONS where the version was changed.
        expect([0x11, 0x13]).toContain(outcome.bytes[0]);
        continue;
      }
      const accept = outcome && to.accept(0, outcome.dialer);
      if (accept) expect(from.handleDatagram(1, accept.bytes)).toBeUndefined();
    }
    expect(connected(from, 2, accepted(to, 2, hello).bytes).controlSentBytes).toBe(4);
  });

  it('and is quicker than the dialer keeps it out no more than a lost packet does', () => {
    const [from, to] = [dialer(Uint8Array.of(1, 2, 3, 4)), listener()];
    const hello = secondHello(from, to);
    const forged = accepted(to, 1, flipped(hello, hello.indexOf(4, 82)));
    expect(from.handleDatagram(2, forged.bytes)).toBeUndefined();
    const real = accepted(to, 3, hello);
    expect(connected(from, 4, real.bytes).keys.localId).toEqual(real.keys.remoteId);
    expect(forged.keys.sendKey).not.toEqual(real.keys.sendKey);
  });

  it('makes a few connections of one cookie, then none', () => {
    const [from, to] = [dialer(Uint8Array.of(1, 2, 3, 4)), listener()];
    const hello = secondHello(from, to);
    let made = 0;
    for (let value = 0; value < 256; value++) {
      const changed = hello.slice();
      changed[hello.indexOf(4, 82)] = value;
      const outcome = to.handleDatagram(0, dialerAt, changed);
      if (outcome?.kind === 'dialer' && to.accept(0, outcome.dialer)) made++;
    }
    expect(made).toBe(4);
    expect(to.remembered).toBe(1);
  });

  it('into one with a public key of small order gets no answer, and costs keys once', () => {
    const to = listener();
    const hello = dialer().poll(0)!;
    hello.fill(0, 11, 43);
    const cookie = answerOf(to, 0, hello).slice(10);
    hello[59] = cookie.length;
    hello.set(cookie, 60);
    expect(to.accept(0, dialerOf(to, 0, hello))).toBeUndefined();
    for (const now of [0, 9_999]) expect(to.handleDatagram(now, dialerAt, hello)).toBeUndefined();
  });
});

describe('who changes an ACCEPT', () => {
  it('at any byte is not heard, and the right one still is', () => {
    const [from, to] = [dialer(Uint8Array.of(1)), listener()];
    const { bytes, keys } = accepted(to, 0, secondHello(from, to));
    for (let at = 0; at < bytes.length; at++)
      expect(from.handleDatagram(1, flipped(bytes, at))).toBeUndefined();
    expect(from.handleDatagram(1, bytes.subarray(0, -1))).toBeUndefined();
    expect(connected(from, 2, bytes).keys.sendKey).toEqual(keys.receiveKey);
  });

  it('or sends that of another dial is not heard', () => {
    const [from, other, to] = [dialer(), dialer(undefined, 'other'), listener()];
    secondHello(from, to);
    const foreign = accepted(to, 0, secondHello(other, to)).bytes;
    expect(from.handleDatagram(1, foreign)).toBeUndefined();
    const relabelled = foreign.slice();
    relabelled.set(idOf(dialer().poll(0)!), 1);
    expect(from.handleDatagram(1, relabelled)).toBeUndefined();
  });

  it('or makes one up without an agreed key is not heard', () => {
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to);
    for (const publicKey of [knownCrypto('forger').keyPair().publicKey, new Uint8Array(32)]) {
      const untagged = encodeUntaggedAccept({
        dialerId: idOf(hello),
        version: 1,
        listenerId: new Uint8Array(8),
        publicKey,
        parameters: listenerSays,
      });
      const tag = sipHash(new Uint8Array(16), untagged);
      expect(from.handleDatagram(1, encodeAccept(untagged, tag))).toBeUndefined();
    }
    expect(connected(from, 2, accepted(to, 2, hello).bytes)).toBeDefined();
  });

  it('or sends one before the dialer has a cookie is not heard', () => {
    const [from, to] = [dialer(), listener()];
    const { bytes } = accepted(to, 0, secondHello(dialer(), to));
    from.poll(0);
    expect(from.handleDatagram(1, bytes)).toBeUndefined();
  });
});

describe('who forges a RETRY', () => {
  const forgery = (hello: Uint8Array, value: number) =>
    encodeRetry({ dialerId: idOf(hello), cookie: new Uint8Array(22).fill(value) });

  it('before the real one delays the dial by a repetition', () => {
    const [from, to] = [dialer(), listener()];
    const first = from.poll(0)!;
    const real = answerOf(to, 0, first);
    from.handleDatagram(1, forgery(first, 1));
    answerOf(to, 1, from.poll(1));
    from.handleDatagram(2, real);
    expect(from.poll(2)).toBeUndefined();
    const there = accepted(to, from.nextTimeout, from.poll(from.nextTimeout));
    expect(connected(from, 600, there.bytes)).toBeDefined();
  });

  it('by thousands makes the dialer send nothing more than it would have', () => {
    const from = dialer();
    const seen = dialer().poll(0)!;
    const sentAt: number[] = [];
    for (let now = 0; now < 10_000; now++) {
      if (from.poll(now)) sentAt.push(now);
      from.handleDatagram(now, forgery(seen, now & 255));
    }
    expect(sentAt).toEqual([0, 1, 501, 1_501, 3_501, 5_501, 7_501, 9_501]);
  });

  it('for another dial is not heard', () => {
    const from = dialer();
    from.poll(0);
    from.handleDatagram(1, forgery(dialer(undefined, 'other').poll(0)!, 1));
    expect(from.nextTimeout).toBe(250);
  });

  it('before the dialer has said anything is not heard', () => {
    const from = dialer();
    from.handleDatagram(1, forgery(dialer().poll(0)!, 1));
    expect(parseHello(from.poll(1)!)?.cookie).toHaveLength(0);
  });
});

describe('who forges a refusal', () => {
  const refusals = (hello: Uint8Array) => [
    encodeRefused({ dialerId: idOf(hello), code: 1 }),
    encodeVersions({ dialerId: idOf(hello), versions: [7] }),
  ];

  it('is not believed where the listener says ACCEPT soon', () => {
    for (const which of [0, 1]) {
      const [from, to] = [dialer(), listener()];
      const first = from.poll(0)!;
      from.handleDatagram(1, refusals(first)[which]!);
      from.handleDatagram(400, answerOf(to, 200, first));
      const hello = from.poll(400)!;
      from.handleDatagram(401, refusals(first)[which]!);
      expect(from.handleTimeout(799)).toBeUndefined();
      expect(connected(from, 800, accepted(to, 600, hello).bytes).rttMs).toBe(400);
    }
  });

  it('cannot make the dialer wait for ever by saying so again', () => {
    const from = dialer();
    const first = from.poll(0)!;
    for (let now = 1; now < 1_000; now++)
      for (const refusal of refusals(first)) from.handleDatagram(now, refusal);
    expect(from.handleTimeout(1_001)).toEqual({ kind: 'refused', code: 1 });
  });

  it('by versions that have ours among them is not heard', () => {
    const from = dialer();
    const dialerId = idOf(from.poll(0)!);
    from.handleDatagram(1, encodeVersions({ dialerId, versions: [2, 1] }));
    expect(from.handleTimeout(1e6)).toBeUndefined();
  });

  it('for another dial is not heard', () => {
    const from = dialer();
    from.poll(0);
    for (const refusal of refusals(dialer(undefined, 'other').poll(0)!)) from.handleDatagram(1, refusal);
    expect(from.handleTimeout(1e6)).toBeUndefined();
  });
});

describe('who forges an ICMP message', () => {
  it.each([
    ['ECONNREFUSED', 99, 100],
    ['EHOSTUNREACH', 999, 1_000],
    ['ENETUNREACH', 999, 1_000],
  ])('%s ends no dial where the listener answers', (code, before, after) => {
    const [from, to] = [dialer(), listener()];
    const first = from.poll(0)!;
    from.handleUnreachable(0, code);
    expect(from.handleTimeout(before)).toBeUndefined();
    from.handleDatagram(before, answerOf(to, before, first));
    expect(from.handleTimeout(after)).toBeUndefined();
    const hello = from.poll(after)!;
    from.handleUnreachable(after, code);
    expect(connected(from, after + 90, accepted(to, after, hello).bytes)).toBeDefined();
    expect(from.nextTimeout).toBe(Infinity);

    const alone = dialer();
    alone.poll(0);
    alone.handleUnreachable(0, code);
    expect(alone.nextTimeout).toBeLessThanOrEqual(after);
    expect(alone.handleTimeout(after)).toEqual({ kind: 'unreachable', code });
  });

  it('is told the firmer reason, as soon as that is sure', () => {
    const from = dialer();
    from.poll(0);
    from.handleUnreachable(0, 'EHOSTUNREACH');
    from.handleUnreachable(50, 'ECONNREFUSED');
    from.handleUnreachable(60, 'ECONNREFUSED');
    expect(from.handleTimeout(149)).toBeUndefined();
    expect(from.handleTimeout(150)).toEqual({ kind: 'unreachable', code: 'ECONNREFUSED' });
  });
});

describe('what is refused', () => {
  it('leaves nothing behind, and may come again', () => {
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to);
    expect(to.refuse(dialerOf(to, 0, hello), 1)).toHaveLength(11);
    expect(to.remembered).toBe(0);
    expect(connected(from, 0, accepted(to, 0, hello).bytes)).toBeDefined();
  });
});
