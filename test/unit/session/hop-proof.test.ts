import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HopIdentity } from '../../../src/relay/observer.js';
import type { RelayPeers } from '../../../src/relay/relay-peers.js';
import { hopProofKind } from '../../../src/session/hop-proof-core.js';
import {
  acceptHop,
  proveHop,
  type AcceptHopOptions,
  type ProveHopOptions,
} from '../../../src/session/hop-proof.js';
import { fingerprint } from '../../../src/session/identity.js';
import type { Connection } from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';
import { makeIdentity, never } from './handshake-kit.js';

const dialer = makeIdentity();
const relay = makeIdentity();
const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
const open: RelayPeers = {
  findKey: () => undefined,
  findToken: (token) => (token === 'correct-horse' ? { name: 'guests', weight: 3 } : undefined),
  isPrivate: false,
};

interface Meeting {
  /** The dialer's end of the connection. */
  readonly near: Connection;
  readonly far: Connection;
  readonly identity: HopIdentity;
  readonly refused: string[];
}

/** A connection whose far end asks who it is when a stream comes, as a relay does. */
async function meet(options: Partial<AcceptHopOptions> = {}): Promise<Meeting> {
  const transport = await memory().load();
  const refused: string[] = [];
  let arrived: (far: Pick<Meeting, 'far' | 'identity'>) => void = () => undefined;
  const accepted = new Promise<Pick<Meeting, 'far' | 'identity'>>((resolve) => (arrived = resolve));
  const listener = await transport.listen(
    { scheme: 'memory', host: 'relay.example', port: 0 },
    {
      onConnection: (far) => {
        const onRefuse = (reason: string) => void refused.push(reason);
        const identity = acceptHop(far, { identity: relay, peers: open, names: [], onRefuse, ...options });
        far.onStream((stream) => {
          if (!identity.isBegun) identity.stranger();
          stream.accept();
        });
        arrived({ far, identity });
      },
    },
  );
  const near = await transport.dial(listener.address, { signal: never });
  onTestFinished(() => near.abort(new Error('the test is over')));
  return { near, refused, ...(await accepted) };
}

const proof = (options: Partial<ProveHopOptions> = {}): ProveHopOptions => ({
  identity: dialer,
  host: 'relay.example',
  signal: never,
  ...options,
});
const coded = (code: string) => expect.objectContaining({ code }) as Error;

describe('a dialer', () => {
  it('proves its key, and learns that of the relay', async () => {
    const { near, identity, refused } = await meet();
    expect(identity.isBegun).toBe(false);
    expect(await proveHop(near, proof())).toEqual(relay.publicKey);
    // Without any answer: what follows comes behind the proof.
    await near.openStream().opened;
    expect(identity.isBegun).toBe(true);
    expect(await identity.known).toMatchObject({
      key: hex(dialer.publicKey),
      name: fingerprint(dialer.publicKey),
      trust: 'stranger',
    });
    expect(refused).toEqual([]);
  });

  it('with a token alone shows no key, and never the same one', async () => {
    const seen = new Set<string>();
    for (let run = 0; run < 2; run++) {
      const { near, far, identity } = await meet();
      const sent: string[] = [];
      const { sendMessage } = near;
      near.sendMessage = (bytes) => {
        sent.push(hex(bytes));
        sendMessage.call(near, bytes);
      };
      await proveHop(near, proof({ identity: undefined, token: 'correct-horse' }));
      expect(await identity.known).toMatchObject({ key: undefined, name: 'guests', trust: 'trusted' });
      sent.forEach((message) => seen.add(message));
      far.abort(new Error('seen'));
    }
    expect(seen.size).toBe(4);
  });

  it('tells a relay with another key than the pinned one nothing', async () => {
    const { near, identity } = await meet();
    const sendMessage = vi.spyOn(near, 'sendMessage');
    const proving = proveHop(near, proof({ expected: [makeIdentity().publicKey] }));
    await expect(proving).rejects.toEqual(coded('ERR_XFER_KEY_CHANGED'));
    expect(sendMessage).toHaveBeenCalledTimes(1);
    near.abort(new Error('another key'));
    expect(identity.isBegun).toBe(true);
  });

  it('names a host beyond ASCII as the net does', async () => {
    const { near, identity } = await meet({ names: ['xn--bcher-kva.example'] });
    await proveHop(near, proof({ host: 'Bücher.example' }));
    await expect(identity.known).resolves.toHaveProperty('key', hex(dialer.publicKey));
  });

  it('waits only so long for who does not answer, and not for who has left', async () => {
    const transport = await memory().load();
    const silent: Connection[] = [];
    const listener = await transport.listen(
      { scheme: 'memory', host: 'here', port: 0 },
      { onConnection: (connection) => silent.push(connection) },
    );
    const dial = () => transport.dial(listener.address, { signal: never });
    const waiting = proveHop(await dial(), proof({ timeoutMs: 20 }));
    await expect(waiting).rejects.toEqual(coded('ERR_XFER_TIMEOUT'));
    const abandoned = proveHop(await dial(), proof());
    silent[1]?.abort(new Error('gone'));
    await expect(abandoned).rejects.toEqual(coded('ERR_XFER_CONNECTION_LOST'));
    const leaving = new AbortController();
    const left = proveHop(await dial(), proof({ signal: leaving.signal }));
    leaving.abort();
    await expect(left).rejects.toEqual(coded('ERR_XFER_INTERRUPTED'));
    for (const connection of silent) connection.abort(new Error('the test is over'));
  });
});

describe('a relay', () => {
  it('waits for no proof from who opens a stream first', async () => {
    const { near, identity } = await meet();
    const stranger = { key: undefined, trust: 'stranger', weight: 0 };
    await near.openStream().opened;
    expect(identity.isBegun).toBe(false);
    expect(await identity.known).toMatchObject(stranger);
    // Now it is too late.
    await expect(proveHop(near, proof({ timeoutMs: 50 }))).rejects.toEqual(coded('ERR_XFER_TIMEOUT'));
    expect(await identity.known).toMatchObject(stranger);
  });

  it('does not take other messages for a proof', async () => {
    const { near, identity } = await meet();
    near.sendMessage(Uint8Array.of(0x21, 1, 2, 3));
    near.sendMessage(Uint8Array.of(0x12, 1));
    await near.openStream().opened;
    expect(await identity.known).toMatchObject({ key: undefined, trust: 'stranger' });
  });

  it('knows nobody before his proof is over, although his streams come before that', async () => {
    const { near, far, identity } = await meet();
    let settled = false;
    void identity.known.then(() => (settled = true));
    const first = vi.spyOn(far, 'sendMessage');
    const proving = proveHop(near, proof());
    await near.openStream().opened;
    expect(first).toHaveBeenCalledTimes(1);
    expect([identity.isBegun, settled]).toEqual([true, false]);
    await proving;
    expect(await identity.known).toMatchObject({ key: hex(dialer.publicKey) });
  });

  it('ignores a second proof', async () => {
    const { near, identity } = await meet();
    await proveHop(near, proof());
    const second = proveHop(near, proof({ identity: makeIdentity(), timeoutMs: 50 }));
    await expect(second).rejects.toEqual(coded('ERR_XFER_TIMEOUT'));
    expect(await identity.known).toMatchObject({ key: hex(dialer.publicKey) });
    await near.openStream().opened;
  });

  it('refuses a proof that is none, says why for a while, and closes', async () => {
    const { near, far, identity, refused } = await meet({ timeoutMs: 100 });
    near.sendMessage(Uint8Array.of(hopProofKind, 1, 2, 3));
    await expect(identity.known).rejects.toEqual(coded('ERR_XFER_HANDSHAKE'));
    expect(refused).toEqual(['proof-wrong']);
    // It is the caller who refuses streams, and still can.
    const stream = near.openStream();
    await stream.opened;
    stream.reset(4);
    await far.closed;
    await near.closed;
  });

  it('cuts a proof that is begun and goes on too slowly, or never', async () => {
    const { near, far, identity, refused } = await meet({ timeoutMs: 50 });
    near.onMessage(() => undefined);
    near.sendMessage(Uint8Array.of(hopProofKind, 1, ...makeIdentity().publicKey));
    await expect(identity.known).rejects.toEqual(coded('ERR_XFER_TIMEOUT'));
    await far.closed;
    expect(refused).toEqual(['proof-late']);
  });

  it('counts a wrong token, and closes behind it', async () => {
    const { near, far, identity, refused } = await meet({ timeoutMs: 50 });
    await proveHop(near, proof({ token: 'wrong-horse' }));
    await expect(identity.known).rejects.toEqual(coded('ERR_XFER_RELAY_REFUSED'));
    await far.closed;
    expect(refused).toEqual(['token-wrong']);
  });

  it('lets who has proved his key stay', async () => {
    const { near, far, identity } = await meet({ timeoutMs: 30 });
    const closed = vi.fn();
    void far.closed.then(closed);
    await proveHop(near, proof());
    await identity.known;
    // Another proof that meets the same deadline is cut meanwhile.
    const other = await meet({ timeoutMs: 30 });
    other.near.sendMessage(Uint8Array.of(hopProofKind, 9));
    await other.far.closed;
    expect(closed).not.toHaveBeenCalled();
    await near.openStream().opened;
  });
});
