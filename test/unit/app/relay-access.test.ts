import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addPeer, ownKey } from '../../../src/app/peers.js';
import { hopProver } from '../../../src/app/hop-prover.js';
import { relayAccess, type RelayAccessOptions } from '../../../src/app/relay-access.js';
import type { HopPeer } from '../../../src/relay/observer.js';
import type { RelayPeers } from '../../../src/relay/relay-peers.js';
import type { Identity } from '../../../src/session/identity.js';
import type { Connection } from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';
import { temporaryDirectory } from '../../support/run-xfer.js';
import { makeIdentity, never } from '../session/handshake-kit.js';

const alice = makeIdentity();
const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64');
const token = 'correct-horse-battery';
const refused = { code: 'ERR_XFER_RELAY_REFUSED' };

/** Whom a relay with this access takes somebody for who dials it. */
async function peerOf(
  home: string,
  access: RelayAccessOptions,
  dialer: { readonly identity?: Identity; readonly token?: string; readonly home?: string },
): Promise<HopPeer> {
  const { identify } = await relayAccess(home, access);
  const transport = await memory().load();
  let found: (peer: Promise<HopPeer>) => void = () => undefined;
  const known = new Promise<HopPeer>((resolve) => (found = resolve));
  const onConnection = (connection: Connection) => {
    const identity = identify(connection, () => undefined);
    connection.onStream((stream) => {
      const peer = identity.isBegun ? identity.known : Promise.resolve().then(() => identity.stranger());
      peer.catch(() => undefined);
      found(peer);
      stream.accept();
    });
  };
  const listener = await transport.listen(
    { scheme: 'memory', host: 'relay.example', port: 0 },
    { onConnection },
  );
  const connection = await transport.dial(listener.address, { signal: never });
  onTestFinished(() => connection.abort(new Error('the test is over')));
  const prove = hopProver({
    home: dialer.home ?? (await temporaryDirectory()),
    identity: dialer.identity,
    token: dialer.token,
  });
  await prove?.(connection, { scheme: 'memory', host: 'relay.example', port: 0 }, never);
  void connection.openStream();
  return known;
}

describe('who is let in', () => {
  it('is everybody where nothing is said', async () => {
    const home = await temporaryDirectory();
    expect(await peerOf(home, {}, {})).toMatchObject({ trust: 'stranger', weight: 0 });
    expect(await peerOf(home, {}, { identity: alice })).toMatchObject({ key: hex(alice.publicKey) });
  });

  it('is who is allowed by name or by key', async () => {
    const home = await temporaryDirectory();
    await addPeer(home, { name: 'alice', key: hex(alice.publicKey), hosts: [] });
    const trusted = { key: hex(alice.publicKey), trust: 'trusted' };
    for (const allow of ['alice', hex(alice.publicKey), base64(alice.publicKey)]) {
      expect(await peerOf(home, { allow: [allow] }, { identity: alice })).toMatchObject(trusted);
      for (const other of [{}, { identity: makeIdentity() }])
        await expect(peerOf(home, { allow: [allow] }, other)).rejects.toMatchObject(refused);
    }
    await expect(relayAccess(home, { allow: ['nobody'] })).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  });

  it('is who has one of the tokens, of the file as well', async () => {
    const home = await temporaryDirectory();
    const tokenFile = join(home, 'tokens');
    await writeFile(tokenFile, `\nanother-horse-battery\r\n${token}\n`);
    for (const access of [{ tokens: [token] }, { tokenFile }]) {
      expect(await peerOf(home, access, { token })).toMatchObject({ key: undefined, trust: 'trusted' });
      for (const other of [{}, { identity: alice }, { token: `${token}x` }])
        await expect(peerOf(home, access, other)).rejects.toMatchObject(refused);
    }
    expect(
      await peerOf(home, { tokenFile, allow: [hex(alice.publicKey)] }, { identity: alice }),
    ).toMatchObject({
      trust: 'trusted',
    });
  });

  it('is also who is listed elsewhere, with the weight from there', async () => {
    const home = await temporaryDirectory();
    const bob = makeIdentity();
    const peers: RelayPeers = {
      findKey: (key) => ({
        name: hex(key) === hex(bob.publicKey) ? 'bob' : 'carol',
        weight: 7,
        isAllowed: hex(key) === hex(bob.publicKey),
      }),
      findToken: (text) => (text === 'listed-elsewhere' ? { name: 'guests', weight: 5 } : undefined),
      isPrivate: false,
    };
    const weighed = (weight: number, trust: string) => ({ weight, trust });
    const access = { peers, tokens: [token], allow: [hex(alice.publicKey)] };
    expect(await peerOf(home, access, { identity: alice })).toMatchObject(weighed(7, 'trusted'));
    expect(await peerOf(home, access, { identity: bob })).toMatchObject(weighed(7, 'trusted'));
    expect(await peerOf(home, access, { token: 'listed-elsewhere' })).toMatchObject(weighed(5, 'trusted'));
    expect(await peerOf(home, access, { token })).toMatchObject(weighed(1, 'trusted'));
    await expect(peerOf(home, access, { identity: makeIdentity() })).rejects.toMatchObject(refused);
    expect(await peerOf(home, { peers }, {})).toMatchObject(weighed(0, 'stranger'));
    expect(await peerOf(home, { peers }, { identity: makeIdentity() })).toMatchObject(weighed(7, 'stranger'));
  });

  it('is nobody by a token that is short, that cannot be told, or by an empty file', async () => {
    const home = await temporaryDirectory();
    const tokenFile = join(home, 'tokens');
    const files: readonly (readonly [string, string])[] = [
      ['', 'ERR_XFER_USAGE'],
      ['short', 'ERR_XFER_WEAK_CODE'],
      ['a'.repeat(257), 'ERR_XFER_USAGE'],
      ['two words are no token', 'ERR_XFER_USAGE'],
      [`${token}\n`.repeat(1001), 'ERR_XFER_USAGE'],
    ];
    for (const [text, code] of files) {
      await writeFile(tokenFile, text);
      await expect(relayAccess(home, { tokenFile })).rejects.toMatchObject({ code });
    }
    await expect(relayAccess(home, { tokenFile: join(home, 'none') })).rejects.toMatchObject({
      code: 'ERR_XFER_NOT_FOUND',
    });
  });
});

describe('a relay', () => {
  it('tells its key as peers take it, and is pinned by it', async () => {
    const [home, mine] = [await temporaryDirectory(), await temporaryDirectory()];
    const { key } = await relayAccess(home, {});
    expect(key).toBe((await ownKey(home)).key);
    await addPeer(mine, { name: 'relay', key, hosts: ['relay.example'] });
    expect(await peerOf(home, {}, { identity: alice, home: mine })).toMatchObject({
      key: hex(alice.publicKey),
    });
    const impostor = await temporaryDirectory();
    await expect(peerOf(impostor, {}, { identity: alice, home: mine })).rejects.toMatchObject({
      code: 'ERR_XFER_KEY_CHANGED',
    });
  });

  it('refuses proofs that were made for a host that it is not', async () => {
    const home = await temporaryDirectory();
    const names = ['relay.example'];
    expect(await peerOf(home, { names }, { identity: alice })).toMatchObject({ key: hex(alice.publicKey) });
    await expect(peerOf(home, { names: ['other.example'] }, { identity: alice })).rejects.toMatchObject({
      code: 'ERR_XFER_HANDSHAKE',
    });
  });
});
