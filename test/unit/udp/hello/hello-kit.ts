import type { SocketAddress } from 'xfer/plugin';
import { udpDefaults } from '../../../../src/config/defaults.js';
import type { PeerParameters } from '../../../../plugins/udp/src/core/contract.js';
import type { ConnectedHello } from '../../../../plugins/udp/src/hello/dialer-hello.js';
import { DialerHello } from '../../../../plugins/udp/src/hello/dialer-hello.js';
import {
  ListenerHello,
  type AcceptedDialer,
  type ProvenDialer,
} from '../../../../plugins/udp/src/hello/listener-hello.js';
import { nodeHelloCrypto } from '../../../../plugins/udp/src/hello/node-hello-crypto.js';
import { sipHash } from '../../../support/sip-hash.js';

export const dialerAt: SocketAddress = { host: '192.0.2.1', port: 50_000 };
export const dialerSays: PeerParameters = {
  maxDatagramBytes: 65_507,
  receiveBufferBytes: 425_984,
  creditBytes: 64 * 2 ** 20,
};
export const listenerSays: PeerParameters = {
  maxDatagramBytes: 1472,
  receiveBufferBytes: 16 * 2 ** 20,
  creditBytes: 8 * 2 ** 20,
};

/** Of real keys and hashes, but of bytes that are the same in each run: a counter, hashed. */
export function knownCrypto(seed: string) {
  const hash = nodeHelloCrypto(sipHash);
  let count = 0;
  return nodeHelloCrypto(sipHash, (bytes) =>
    hash.hkdf(Buffer.from(seed), Buffer.alloc(0), `${count++}`, bytes),
  );
}

export function dialer(
  control = new Uint8Array(),
  seed = 'dialer',
  pullControl: (maxBytes: number) => Uint8Array | undefined = () => control,
): DialerHello {
  return new DialerHello({
    config: udpDefaults,
    crypto: knownCrypto(seed),
    parameters: dialerSays,
    pullControl,
  });
}

export function listener(seed = 'listener', maxAnsweredDialers: number = udpDefaults.maxAnsweredDialers) {
  return new ListenerHello({
    config: { ...udpDefaults, maxAnsweredDialers },
    crypto: knownCrypto(seed),
    parameters: listenerSays,
    now: 0,
  });
}

/** What the listener answers; throws where it gives nothing, or a dialer. */
export function answerOf(
  to: ListenerHello,
  now: number,
  bytes: Uint8Array | undefined,
  from: SocketAddress = dialerAt,
): Uint8Array {
  const outcome = bytes && to.handleDatagram(now, from, bytes);
  if (outcome?.kind !== 'answer') throw new Error(`no answer: ${outcome?.kind}`);
  return outcome.bytes;
}

export function dialerOf(
  to: ListenerHello,
  now: number,
  bytes: Uint8Array | undefined,
  from: SocketAddress = dialerAt,
): ProvenDialer {
  const outcome = bytes && to.handleDatagram(now, from, bytes);
  if (outcome?.kind !== 'dialer') throw new Error(`no dialer: ${outcome?.kind}`);
  return outcome.dialer;
}

export function accepted(to: ListenerHello, now: number, bytes: Uint8Array | undefined): AcceptedDialer {
  const result = to.accept(now, dialerOf(to, now, bytes));
  if (!result) throw new Error('not accepted');
  return result;
}

/** The HELLO that brings the listener's cookie back. */
export function secondHello(from: DialerHello, to: ListenerHello, now = 0): Uint8Array {
  from.handleDatagram(now, answerOf(to, now, from.poll(now)));
  const second = from.poll(now);
  if (!second) throw new Error('no second HELLO');
  return second;
}

export function connected(from: DialerHello, now: number, bytes: Uint8Array): ConnectedHello {
  const outcome = from.handleDatagram(now, bytes);
  if (outcome?.kind !== 'connected') throw new Error(`not connected: ${outcome?.kind}`);
  return outcome;
}
