import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tcp } from '@xfer/mux';
import { beforeAll, describe, expect, it } from 'vitest';
import { ownKey } from '../../src/app/peers.js';
import { sessionDefaults } from '../../src/config/index.js';
import { hopProofKind } from '../../src/session/hop-proof-core.js';
import { OpenRefused } from '../../src/transport/contract.js';
import { parseUrl } from '../../src/transport/address.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { startRelay, type RunningRelay } from '../support/start-relay.js';
import { failureOf } from '../support/transfer.js';

const token = 'correct-horse-battery';
const refusal = {
  code: 'ERR_XFER_RELAY_REFUSED',
  message: expect.stringContaining('lets in only who is on its allow list or has its token') as string,
  status: 4,
};

let alice: string;
let work: string;
let file: string;
let receiver: { address: string; code: string };

beforeAll(async () => {
  [alice, work] = [await temporaryDirectory(), await temporaryDirectory()];
  file = join(work, 'file');
  await writeFile(file, 'content');
  receiver = await startReceiver(join(work, 'out'), {
    flags: ['--code', 'a code for all of these'],
    timeoutMs: 120_000,
  });
});

/** Alice sends the file over these relays. */
async function send(via: readonly RunningRelay[], flags: readonly string[] = [], relayToken?: string) {
  const hops = via.flatMap(({ url }) => ['--via', url]);
  const env = { XFER_CODE: 'a code for all of these', XFER_RELAY_TOKEN: relayToken };
  const args = ['send', file, receiver.address, '--json', '--retry', '0', ...hops, ...flags];
  return (await runXfer(args, { home: alice, env })).ended;
}

async function arrives(via: readonly RunningRelay[], flags: readonly string[] = [], relayToken?: string) {
  const { status, stdout, stderr } = await send(via, flags, relayToken);
  expect(status, stdout + stderr).toBe(0);
  expect(await readFile(join(work, 'out', 'file'), 'utf8')).toBe('content');
}

describe('a private relay', () => {
  it('lets in whose key it allows, and nobody else', async () => {
    const relay = await startRelay({ flags: ['--allow', (await ownKey(alice)).key] });
    await arrives([relay], ['--identify']);
    expect(failureOf(await send([relay]))).toMatchObject(refusal);
    expect(failureOf(await send([relay], [], token))).toMatchObject(refusal);
    await relay.run.kill('SIGTERM');
  });

  it('lets in who has its token, and nobody with another', async () => {
    const relay = await startRelay({ env: { XFER_RELAY_TOKEN: token } });
    await arrives([relay], [], token);
    await arrives([relay], ['--identify'], token);
    expect(failureOf(await send([relay], [], `${token}?`))).toMatchObject(refusal);
    expect(failureOf(await send([relay], ['--identify']))).toMatchObject(refusal);
    await relay.run.kill('SIGTERM');
  });

  it('lets in a receiver that waits in a room, and a sender that meets it there', async () => {
    const relay = await startRelay({ env: { XFER_RELAY_TOKEN: token } });
    const recvArgs = ['recv', join(work, 'met'), '--via', relay.url, '--once', '--json'];
    const stranger = await runXfer(recvArgs);
    expect(failureOf(await stranger.ended)).toMatchObject(refusal);
    const env = { XFER_RELAY_TOKEN: token };
    const recv = await runXfer([...recvArgs, '--identify'], { env });
    const { code } = await recv.event('listening');
    const met = await runXfer(['send', file, '--via', relay.url], { env: { ...env, XFER_CODE: code } });
    expect([(await met.ended).status, (await recv.ended).status]).toEqual([0, 0]);
    await relay.run.kill('SIGTERM');
  });

  it('lets in another relay that says who it is, and names the one that does not', async () => {
    const teller = await temporaryDirectory();
    const second = await startRelay({ flags: ['--allow', (await ownKey(teller)).key] });
    const first = await startRelay({ home: teller, flags: ['--identify'] });
    await arrives([first, second]);
    const silent = await startRelay();
    const refused = failureOf(await send([silent, second]));
    expect(refused).toMatchObject(refusal);
    expect(refused.message).toContain(second.url.slice('tcp://'.length));
    for (const each of [first.run, silent.run, second.run]) await each.kill('SIGTERM');
  });
});

describe('a relay', () => {
  it('whose key is pinned for its host learns nothing if it has another', async () => {
    const [home, relay] = [await temporaryDirectory(), await startRelay()];
    const pin = async (name: string, key: string) => {
      const run = await runXfer(['peers', 'add', name, key, '--host', '127.0.0.1'], { home });
      expect((await run.ended).status).toBe(0);
    };
    const sendFrom = async () => {
      const env = { XFER_CODE: 'a code for all of these' };
      const args = ['send', file, receiver.address, '--json', '--identify', '--via', relay.url];
      return (await runXfer(args, { home, env })).ended;
    };
    await pin('other', (await ownKey(await temporaryDirectory())).key);
    expect(failureOf(await sendFrom())).toMatchObject({ code: 'ERR_XFER_KEY_CHANGED', status: 4 });
    await pin('relay', relay.key);
    expect((await sendFrom()).status).toBe(0);
    await relay.run.kill('SIGTERM');
  });

  it('refuses proofs for another host than its own', async () => {
    const relay = await startRelay({ flags: ['--name', 'relay.example'] });
    expect(failureOf(await send([relay], ['--identify']))).toMatchObject({
      code: 'ERR_XFER_HANDSHAKE',
      status: 4,
    });
    await arrives([relay]);
    await relay.run.kill('SIGTERM');
  });

  it('cuts proofs that are garbage or stop half-way, and goes on for others', async () => {
    const relay = await startRelay();
    const transport = await tcp().load();
    const { signal } = new AbortController();
    const address = parseUrl(relay.url);
    const ended = ['garbage', 'silence'].map(async (what) => {
      const connection = await transport.dial(address, { signal });
      const begun = performance.now();
      // The first message of a proof is right whatever its 32 bytes are.
      const length = what === 'garbage' ? 7 : 32;
      connection.sendMessage(Uint8Array.of(hopProofKind, 1, ...new Uint8Array(length).fill(9)));
      const stream = connection.openStream();
      const error: unknown = await stream.opened.catch((thrown: unknown) => thrown);
      await connection.closed;
      return { error, ms: performance.now() - begun };
    });
    await arrives([relay]);
    const [garbage, silence] = await Promise.all(ended);
    expect(garbage?.error).toBeInstanceOf(OpenRefused);
    expect(silence?.error).toBeInstanceOf(OpenRefused);
    expect(silence?.ms).toBeGreaterThanOrEqual(sessionDefaults.hopProofTimeoutMs - 50);
    await relay.run.kill('SIGTERM');
  });
});

describe('--identify', () => {
  it('needs a relay to say it to', async () => {
    const run = await runXfer(['send', file, receiver.address, '--identify', '--json']);
    expect((await run.ended).status).toBe(2);
  });
});
