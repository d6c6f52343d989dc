import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { udpDefaults } from '../../src/config/defaults.js';
import type { PeerParameters } from '../../plugins/udp/src/core/contract.js';
import {
  encodeRefused,
  encodeRetry,
  encodeVersions,
  parseRefused,
  parseRetry,
  parseVersions,
} from '../../plugins/udp/src/hello/answer-packets.js';
import { DialerHello } from '../../plugins/udp/src/hello/dialer-hello.js';
import { parseHello } from '../../plugins/udp/src/hello/hello-packet.js';
import { ListenerHello } from '../../plugins/udp/src/hello/listener-hello.js';
import { nodeHelloCrypto } from '../../plugins/udp/src/hello/node-hello-crypto.js';
import { sipHash } from '../support/sip-hash.js';

interface Golden {
  packets: {
    retry: { dialerId: string; cookie: string; hex: string };
    versions: { dialerId: string; versions: number[]; hex: string };
    refused: { dialerId: string; code: number; hex: string };
  };
  /** Zeros to the 1200th byte are left out of what the dialer says. */
  exchange: {
    dialer: { id: string; secret: string; parameters: PeerParameters; control: string };
    dialerAt: { host: string; port: number };
    listener: { cookieSecret: string; secret: string; id: string; parameters: PeerParameters };
    atMs: number;
    firstHello: string;
    retry: string;
    secondHello: string;
    accept: string;
    dialerKey: string;
    listenerKey: string;
  };
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/udp-hello-v1.json', import.meta.url), 'utf8'),
) as Golden;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (content: Uint8Array | undefined) => content && Buffer.from(content).toString('hex');
const padded = (text: string) => text.padEnd(2 * 1200, '0');

/** Gives these, one a call, as random bytes. */
const cryptoOf = (...random: string[]) =>
  nodeHelloCrypto(sipHash, (length) => {
    const next = bytes(random.shift() ?? '');
    if (next.length !== length) throw new Error(`${length} random bytes are not in the vector`);
    return next;
  });

describe("a listener's answers on the wire", () => {
  const { retry, versions, refused } = golden.packets;
  const dialerId = bytes(retry.dialerId);

  it('are written so', () => {
    expect(hex(encodeRetry({ dialerId, cookie: bytes(retry.cookie) }))).toBe(retry.hex);
    expect(hex(encodeVersions({ dialerId, versions: versions.versions }))).toBe(versions.hex);
    expect(hex(encodeRefused({ dialerId, code: refused.code }))).toBe(refused.hex);
  });

  it('are read so', () => {
    expect(parseRetry(bytes(retry.hex))).toEqual({ dialerId, cookie: bytes(retry.cookie) });
    expect(parseVersions(bytes(versions.hex))).toEqual({ dialerId, versions: versions.versions });
    expect(parseRefused(bytes(refused.hex))).toEqual({ dialerId, code: refused.code });
  });
});

describe('hellos on the wire', () => {
  const { dialer, dialerAt, listener, atMs, ...wire } = golden.exchange;
  const newDialer = () =>
    new DialerHello({
      config: udpDefaults,
      crypto: cryptoOf(dialer.id, dialer.secret),
      parameters: dialer.parameters,
      pullControl: () => bytes(dialer.control),
    });
  const newListener = () =>
    new ListenerHello({
      config: udpDefaults,
      crypto: cryptoOf(listener.cookieSecret, listener.secret, listener.id),
      parameters: listener.parameters,
      now: 0,
    });

  it("are the dialer's so", () => {
    const hello = newDialer();
    expect(hex(hello.poll(0))).toBe(padded(wire.firstHello));
    hello.handleDatagram(0, bytes(wire.retry));
    expect(hex(hello.poll(0))).toBe(padded(wire.secondHello));
    const outcome = hello.handleDatagram(0, bytes(wire.accept));
    expect(outcome?.kind === 'connected' && hex(outcome.keys.sendKey)).toBe(wire.dialerKey);
    expect(outcome?.kind === 'connected' && hex(outcome.keys.receiveKey)).toBe(wire.listenerKey);
  });

  it("are the listener's so", () => {
    const hello = newListener();
    const first = hello.handleDatagram(atMs, dialerAt, bytes(padded(wire.firstHello)));
    expect(first?.kind === 'answer' && hex(first.bytes)).toBe(wire.retry);
    const second = hello.handleDatagram(atMs, dialerAt, bytes(padded(wire.secondHello)));
    const accepted = second?.kind === 'dialer' ? hello.accept(atMs, second.dialer) : undefined;
    expect(hex(accepted?.bytes)).toBe(wire.accept);
    expect(hex(accepted?.control)).toBe(dialer.control);
    expect(hex(accepted?.keys.sendKey)).toBe(wire.listenerKey);
    expect(hex(accepted?.keys.receiveKey)).toBe(wire.dialerKey);
  });

  it('are read so', () => {
    expect(parseHello(bytes(padded(wire.secondHello)))).toMatchObject({
      version: 1,
      dialerId: bytes(dialer.id),
      parameters: dialer.parameters,
      cookie: parseRetry(bytes(wire.retry))?.cookie,
      control: bytes(dialer.control),
    });
  });
});
