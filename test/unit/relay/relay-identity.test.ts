import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import type { HopIdentity, HopPeer, HopView } from '../../../src/relay/observer.js';
import type { ProveHop } from '../../../src/relay/prove-hop.js';
import { OpenRefused, openErrorCode, type Stream } from '../../../src/transport/contract.js';
import { RelayNet } from '../../support/relay-net.js';

const alice: HopPeer = { key: 'aa', name: 'alice', trust: 'trusted', weight: 2 };

/** A peer whose proof is in the test's hand. */
class Hand implements HopIdentity {
  readonly isBegun = true;
  settle: (peer: HopPeer) => void = () => undefined;
  fail: (error: XferError) => void = () => undefined;
  readonly known = new Promise<HopPeer>((resolve, reject) => {
    this.settle = resolve;
    this.fail = reject;
  });

  stranger(): HopPeer {
    throw new XferError('ERR_XFER_INTERNAL', 'the proof has begun');
  }
}

let net: RelayNet;
let hand: Hand;
beforeEach(() => {
  net = new RelayNet();
  hand = new Hand();
});
afterEach(() => net.close());

/** Where an endpoint takes every stream. */
async function taker(): Promise<string> {
  const endpoint = await net.endpoint();
  endpoint.onStream = ({ stream }) => stream.accept();
  return endpoint.url;
}

/** What the opener of a refused stream hears. */
async function refusalOf(stream: Stream) {
  const error: unknown = await stream.opened.catch((thrown: unknown) => thrown);
  if (!(error instanceof OpenRefused)) throw new Error('the stream was not refused');
  return { code: error.openCode, told: stream.connection.explain?.(error.detail, false) };
}

const naming = (words: string) => expect.stringContaining(words) as string;

describe('a relay', () => {
  it('holds streams until it is known who has sent them', async () => {
    const views: HopView[] = [];
    const relay = await net.relay({
      identify: () => hand,
      observer: { onIdentify: (hop) => views.push(hop) },
    });
    const connection = await net.dial([relay], await taker());
    let isOpen = false;
    const stream = connection.openStream();
    void stream.opened.then(() => (isOpen = true));
    await expect.poll(() => [...relay.relay.hops].map((hop) => hop.pendingOpens)).toEqual([1]);
    expect([isOpen, views.length]).toEqual([false, 0]);
    hand.settle(alice);
    await stream.opened;
    expect(views.map(({ peer }) => peer)).toEqual([alice]);
  });

  it('waits for a proof longer than for somebody who says nothing at all', async () => {
    const relay = await net.relay({ identify: () => hand, handshakeTimeoutMs: 400 });
    const to = await taker();
    const silent = await net.dial([relay], to);
    const connection = await net.dial([relay], to);
    const stream = connection.openStream();
    await silent.closed;
    hand.settle(alice);
    await stream.opened;
  });

  it('turns away who is not let in: streams that wait and those that come, with the reason', async () => {
    const relay = await net.relay({ identify: () => hand });
    const connection = await net.dial([relay], await taker());
    const streams = [connection.openStream(), connection.openStream()];
    await expect.poll(() => [...relay.relay.hops].map((hop) => hop.pendingOpens)).toEqual([2]);
    hand.fail(new XferError('ERR_XFER_RELAY_REFUSED', 'not on the list'));
    for (const stream of streams)
      expect(await refusalOf(stream)).toMatchObject({
        code: openErrorCode.accessDenied,
        told: { code: 'ERR_XFER_RELAY_REFUSED', message: naming('allow list') },
      });
    expect(await connection.closed).toMatchObject({ by: 'remote', clean: true });
  });

  it('still says why to a stream that comes after the proof has failed', async () => {
    const relay = await net.relay({ identify: () => hand });
    const connection = await net.dial([relay], await taker());
    hand.known.catch(() => undefined);
    hand.fail(new XferError('ERR_XFER_HANDSHAKE', 'it does not verify'));
    expect(await refusalOf(connection.openStream())).toMatchObject({
      code: openErrorCode.accessDenied,
      told: { code: 'ERR_XFER_HANDSHAKE', message: naming('the proof') },
    });
    await connection.closed;
  });

  it('has a stranger refused who may not be here', async () => {
    const stranger = () => {
      throw new XferError('ERR_XFER_RELAY_REFUSED', 'nobody but friends');
    };
    const relay = await net.relay({ identify: () => ({ isBegun: false, known: hand.known, stranger }) });
    const first = await net.relay();
    const near = await net.dial([relay], await taker());
    const far = await net.dial([first, relay], await taker());
    for (const connection of [near, far])
      expect(await refusalOf(connection.openStream())).toMatchObject({
        code: openErrorCode.accessDenied,
        told: { code: 'ERR_XFER_RELAY_REFUSED', message: naming(`${relay.url} refused: it lets in only`) },
      });
  });

  it('counts what its identity refuses', async () => {
    const refused: string[] = [];
    const relay = await net.relay({
      identify: (_connection, onRefuse) => {
        onRefuse('token-wrong');
        return hand;
      },
      observer: { onRefuse: (reason, source) => refused.push(`${reason} ${source}`) },
    });
    await net.dial([relay], await taker());
    await expect.poll(() => refused).toEqual(['token-wrong 127.0.0.1']);
  });

  it('says who it is to the next relay, and not to the end of the path', async () => {
    const proved: number[] = [];
    const prove: ProveHop = (_connection, address) => Promise.resolve(void proved.push(address.port));
    const last = await net.relay({ prove });
    const first = await net.relay({ prove });
    const connection = await net.dial([first, last], await taker());
    await Promise.all([connection.openStream().opened, connection.openStream().opened]);
    expect(proved).toEqual([Number(last.url.split(':').at(-1))]);
  });

  it('goes nowhere where it cannot say who it is', async () => {
    const prove: ProveHop = () => Promise.reject(new XferError('ERR_XFER_KEY_CHANGED', 'another key'));
    const last = await net.relay();
    const first = await net.relay({ prove });
    const connection = await net.dial([first, last], await taker());
    expect(await refusalOf(connection.openStream())).toMatchObject({
      told: { code: 'ERR_XFER_KEY_CHANGED', message: naming('could not reach') },
    });
  });
});

describe('a dialer of a path', () => {
  it('says who it is to the first relay before anything is opened, or goes to another', async () => {
    const [one, two] = [await net.relay(), await net.relay()];
    const asked: string[] = [];
    const prove: ProveHop = (_connection, { port }) => {
      asked.push(`memory://127.0.0.1:${port}`);
      if (asked.length === 2) return Promise.resolve();
      return Promise.reject(new XferError('ERR_XFER_KEY_CHANGED', 'it has another key'));
    };
    const connection = await net.dial([[one.url, two.url]], await taker(), prove);
    await connection.openStream().opened;
    expect(asked).toEqual([one.url, two.url]);
    asked.length = 0;
    await expect(net.dial([one], await taker(), prove)).rejects.toMatchObject({
      code: 'ERR_XFER_KEY_CHANGED',
      message: `the relay ${one.url}: it has another key`,
    });
  });
});
