import { describe, expect, it } from 'vitest';
import { parseHello } from '../../../../plugins/udp/src/hello/hello-packet.js';
import { refusalCode } from '../../../../plugins/udp/src/hello/hello-layout.js';
import {
  accepted,
  answerOf,
  connected,
  dialer,
  dialerAt,
  dialerOf,
  dialerSays,
  listener,
  listenerSays,
  secondHello,
} from './hello-kit.js';

describe('two ends that say hello', () => {
  it('have the same keys and ids, and know of each other what both said', () => {
    const [from, to] = [dialer(), listener()];
    const there = accepted(to, 0, secondHello(from, to));
    const here = connected(from, 0, there.bytes);
    expect(here.keys.sendKey).toEqual(there.keys.receiveKey);
    expect(here.keys.receiveKey).toEqual(there.keys.sendKey);
    expect(here.keys.sendKey).not.toEqual(here.keys.receiveKey);
    expect(here.keys.sendKey).toHaveLength(16);
    expect(here.keys.localId).toEqual(there.keys.remoteId);
    expect(here.keys.remoteId).toEqual(there.keys.localId);
    expect(here.keys.localId).not.toEqual(here.keys.remoteId);
    expect(here.peer).toEqual(listenerSays);
    expect(there.peer).toEqual(dialerSays);
  });

  it('have other keys each time', () => {
    const seen = new Set<string>();
    const to = listener();
    for (const seed of ['a', 'b', 'c']) {
      const from = dialer(undefined, seed);
      const { keys } = accepted(to, 0, secondHello(from, to));
      for (const key of [keys.sendKey, keys.receiveKey, keys.localId, keys.remoteId])
        seen.add(Buffer.from(key).toString('hex'));
    }
    expect(seen.size).toBe(12);
  });

  it('bring the first control bytes with the cookie, and not before', () => {
    const [from, to] = [dialer(Uint8Array.of(1, 2, 3)), listener()];
    const first = from.poll(0);
    expect(parseHello(first!)?.control).toHaveLength(0);
    from.handleDatagram(0, answerOf(to, 0, first));
    const there = accepted(to, 0, from.poll(0));
    expect(there.control).toEqual(Uint8Array.of(1, 2, 3));
    expect(connected(from, 0, there.bytes)).toMatchObject({
      controlSentBytes: 3,
      controlRest: new Uint8Array(),
    });
  });

  it('leave for later what does not fit beside the cookie', () => {
    const control = Uint8Array.from({ length: 3_000 }, (_, at) => at);
    const [from, to] = [dialer(control), listener()];
    const there = accepted(to, 0, secondHello(from, to));
    const here = connected(from, 0, there.bytes);
    expect(here.controlSentBytes).toBe(there.control.length);
    expect(here.controlSentBytes).toBeGreaterThan(1_000);
    expect(Buffer.concat([there.control, here.controlRest])).toEqual(Buffer.from(control));
  });

  it('are through after two round trips, with which the dialer has measured one', () => {
    const [from, to] = [dialer(), listener()];
    const first = from.poll(0);
    expect(from.handleDatagram(70, answerOf(to, 35, first))).toBeUndefined();
    const there = accepted(to, 105, from.poll(70));
    expect(connected(from, 130, there.bytes).rttMs).toBe(60);
  });

  it('keep what they agreed on where the datagram was', () => {
    const [from, to] = [dialer(Uint8Array.of(5)), listener()];
    const hello = secondHello(from, to);
    const slab = hello.slice();
    const proven = dialerOf(to, 0, slab);
    slab.fill(0);
    const there = to.accept(0, proven)!;
    const accept = there.bytes.slice();
    const here = connected(from, 0, accept);
    accept.fill(0);
    expect(here.keys.remoteId).toEqual(there.keys.localId);
    expect(there.control).toEqual(Uint8Array.of(5));
  });
});

describe('a dialer', () => {
  it('repeats itself, each time later, at most every two seconds', () => {
    const from = dialer();
    const sentAt: number[] = [];
    const first = from.poll(0);
    for (let now = 0; now < 10_000; now += 50) {
      const again = from.poll(now);
      if (!again) continue;
      expect(again).toEqual(first);
      sentAt.push(now);
    }
    expect(sentAt).toEqual([250, 750, 1_750, 3_750, 5_750, 7_750, 9_750]);
  });

  it('says when it will, and when there is nothing more to come', () => {
    const [from, to] = [dialer(), listener()];
    expect(from.nextTimeout).toBe(-Infinity);
    from.poll(10);
    expect(from.nextTimeout).toBe(260);
    from.handleDatagram(20, answerOf(to, 20, dialer().poll(0)));
    expect(from.nextTimeout).toBe(20);
    const there = accepted(to, 20, from.poll(20));
    expect(from.nextTimeout).toBe(20 + 500);
    connected(from, 30, there.bytes);
    expect(from.nextTimeout).toBe(Infinity);
    expect(from.poll(1e6)).toBeUndefined();
  });

  it('says the same control in each repetition, with another cookie too, and asks for it once', () => {
    let asked = 0;
    const control = Uint8Array.of(9);
    const pullControl = () => (asked++ === 0 ? control : undefined);
    const [from, to] = [dialer(undefined, 'dialer', pullControl), listener()];
    const first = from.poll(0)!;
    expect(asked).toBe(0);
    const [one, two] = [answerOf(to, 0, first), answerOf(to, 5, first)];
    expect(one).not.toEqual(two);
    from.handleDatagram(10, one);
    const second = from.poll(10)!;
    from.handleDatagram(11, two);
    expect(from.poll(11)).toBeUndefined();
    const third = from.poll(10 + 500)!;
    expect(third).not.toEqual(second);
    expect(parseHello(third)?.control).toEqual(control);
    expect(parseHello(second)?.control).toEqual(control);
    expect(asked).toBe(1);
  });

  it('takes an ACCEPT of its HELLO with an earlier cookie', () => {
    const [from, to] = [dialer(Uint8Array.of(9)), listener()];
    const first = from.poll(0)!;
    const [one, two] = [answerOf(to, 0, first), answerOf(to, 5, first)];
    from.handleDatagram(10, one);
    const there = accepted(to, 10, from.poll(10));
    from.handleDatagram(11, two);
    from.poll(600);
    expect(connected(from, 601, there.bytes).keys.sendKey).toEqual(there.keys.receiveKey);
  });

  it('gets a new cookie where its own has expired meanwhile', () => {
    const [from, to] = [dialer(), listener()];
    secondHello(from, to, 0);
    let now = 0;
    for (let turn = 0; turn < 12; turn++) {
      now = Math.max(from.nextTimeout, now);
      const hello = from.poll(now);
      // All is lost for longer than a cookie lives.
      if (now < 11_000) continue;
      const outcome = to.handleDatagram(now, dialerAt, hello!);
      if (outcome?.kind === 'answer') from.handleDatagram(now, outcome.bytes);
      if (outcome?.kind !== 'dialer') continue;
      connected(from, now, to.accept(now, outcome.dialer)!.bytes);
      break;
    }
    expect(from.nextTimeout).toBe(Infinity);
    expect(now).toBeLessThan(15_000);
  });

  it('measures nothing by what it had repeated', () => {
    const [from, to] = [dialer(), listener()];
    from.poll(0);
    from.handleDatagram(300, answerOf(to, 0, from.poll(250)));
    const hello = from.poll(300)!;
    const there = accepted(to, 300, hello);
    expect(from.poll(300 + 1_000)).toEqual(hello);
    expect(connected(from, 1_301, there.bytes).rttMs).toBe(0);
  });

  it('has the first round trip where the second was ambiguous', () => {
    const [from, to] = [dialer(), listener()];
    from.handleDatagram(80, answerOf(to, 40, from.poll(0)));
    const there = accepted(to, 120, from.poll(80));
    from.poll(80 + 500);
    expect(connected(from, 600, there.bytes).rttMs).toBe(80);
  });

  it('fails with the versions that the listener has, when no ACCEPT comes', () => {
    const from = dialer();
    const hello = from.poll(0)!;
    const versions = Uint8Array.of(0x13, ...hello.subarray(3, 11), 2, 0, 2, 0, 3);
    expect(from.handleDatagram(10, versions)).toBeUndefined();
    expect(from.handleTimeout(1_009)).toBeUndefined();
    expect(from.nextTimeout).toBeLessThanOrEqual(1_010);
    expect(from.handleTimeout(1_010)).toEqual({ kind: 'versions', versions: [2, 3] });
    expect(from.nextTimeout).toBe(Infinity);
  });

  it("fails with the listener's refusal, soon where the way is short", () => {
    const [from, to] = [dialer(), listener()];
    const proven = dialerOf(to, 1, secondHello(from, to, 0));
    expect(from.handleDatagram(2, to.refuse(proven, refusalCode.limit))).toBeUndefined();
    expect(from.nextTimeout).toBe(102);
    expect(from.handleTimeout(102)).toEqual({ kind: 'refused', code: 1 });
  });
});

describe('a listener', () => {
  it('answers a HELLO that comes again with the same ACCEPT, and makes no second connection', () => {
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to);
    const there = accepted(to, 0, hello);
    expect(answerOf(to, 9_999, hello)).toEqual(there.bytes);
    expect(to.remembered).toBe(1);
  });

  it('does so too where the dialer has got a second cookie', () => {
    const [from, to] = [dialer(), listener()];
    const first = from.poll(0)!;
    const [one, two] = [answerOf(to, 0, first), answerOf(to, 5, first)];
    from.handleDatagram(10, one);
    const there = accepted(to, 10, from.poll(10));
    from.handleDatagram(11, two);
    expect(answerOf(to, 600, from.poll(600))).toEqual(there.bytes);
  });

  it('makes two connections of two dialers behind one address', () => {
    const [one, two, to] = [dialer(undefined, 'one'), dialer(undefined, 'two'), listener()];
    const first = accepted(to, 0, secondHello(one, to));
    const second = accepted(to, 0, secondHello(two, to));
    expect(first.keys.localId).not.toEqual(second.keys.localId);
  });

  it('says which versions it has to a dialer of another one', () => {
    const hello = dialer().poll(0)!;
    hello[2] = 9;
    expect(answerOf(listener(), 0, hello)).toEqual(Uint8Array.of(0x13, ...hello.subarray(3, 11), 1, 0, 1));
  });

  it('forgets an ACCEPT as soon as every cookie of that time is stale', () => {
    const [from, to] = [dialer(), listener()];
    accepted(to, 5_000, secondHello(from, to, 0));
    const other = dialer(undefined, 'other');
    accepted(to, 20_000, secondHello(other, to, 20_000));
    expect(to.remembered).toBe(1);
  });

  it('forgets what a clock that was put back would keep for ever', () => {
    const [from, other, to] = [dialer(), dialer(undefined, 'other'), listener()];
    accepted(to, 1e9, secondHello(from, to, 1e9));
    accepted(to, 5, secondHello(other, to, 5));
    expect(to.remembered).toBe(1);
  });

  it('remembers so many dialers and no more, the latest', () => {
    const to = listener('listener', 3);
    const hellos = ['a', 'b', 'c', 'd', 'e'].map((seed) => secondHello(dialer(undefined, seed), to));
    const accepts = hellos.map((hello) => accepted(to, 0, hello).bytes);
    expect(to.remembered).toBe(3);
    expect(answerOf(to, 0, hellos[4])).toEqual(accepts[4]);
    expect(dialerOf(to, 0, hellos[0])).toBeDefined();
  });
});
