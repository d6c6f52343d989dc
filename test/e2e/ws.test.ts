import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectProxy } from '../support/connect-proxy.js';
import { hasNginx, startNginx } from '../support/nginx.js';
import { startReceiver } from '../support/receiver.js';
import { runHere } from '../support/run-here.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';
import { startReceiverHere } from '../support/commands-here.js';
import { tlsFiles } from '../support/tls-identity.js';

const endings: (() => unknown)[] = [];
const content = randomBytes(3 * 1024 * 1024 + 11);
let work: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  file = join(work, 'file');
  await writeFile(file, content);
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const tlsFlags = ['--tls-cert', tlsFiles.certificate, '--tls-key', tlsFiles.key];
const trusting = { NODE_EXTRA_CA_CERTS: tlsFiles.certificate };

async function send(address: string, code: string, env: Record<string, string> = {}): Promise<Ended> {
  const run = await runXfer(['send', file, address, '--json'], { env: { XFER_CODE: code, ...env } });
  return run.ended;
}

const eventOf = (ended: Ended, name: string) => ended.events.find(({ event }) => event === name);
const arrived = async (directory: string) => (await readFile(join(directory, 'file'))).equals(content);

describe('a transfer over WebSocket', () => {
  it.each([
    ['ws', 'ws', [], startReceiver],
    ['wss', 'wss', tlsFlags, startReceiverHere],
    ['ws to the port of tcp', 'tcp', [], startReceiverHere],
  ])('arrives: %s', async (_what, listening, flags, start) => {
    const out = join(work, 'out');
    const { recv, address, code } = await start(out, {
      listen: `${listening}://127.0.0.1:0`,
      flags: ['--once', ...flags],
    });
    const scheme = listening === 'tcp' ? 'ws' : listening;
    expect(address).toMatch(new RegExp(`^${listening}://127\\.0\\.0\\.1:[1-9]`));
    const sent = await send(address.replace(listening, scheme), code, trusting);
    expect(sent.status, sent.stdout).toBe(0);
    expect(eventOf(sent, 'done')).toMatchObject({ transport: scheme, files: 1 });
    const received = await recv.ended;
    expect(received.status).toBe(0);
    expect(eventOf(received, 'done')).toMatchObject({ transport: scheme });
    expect(await arrived(out)).toBe(true);
  });

  it('arrives through an HTTP proxy', async () => {
    const proxy = await connectProxy();
    endings.push(() => proxy.close());
    const out = join(work, 'out');
    const { recv, address, code } = await startReceiverHere(out, {
      listen: 'wss://127.0.0.1:0',
      flags: ['--once', ...tlsFlags],
    });
    const target = address.replace('127.0.0.1', 'xfer.test');
    const sent = await send(target, code, { ...trusting, HTTPS_PROXY: proxy.url });
    expect(sent.status, sent.stdout).toBe(0);
    expect((await recv.ended).status).toBe(0);
    expect(proxy.asked[0]?.target).toBe(target.replace('wss://', ''));
    expect(await arrived(out)).toBe(true);
  });

  it('arrives through nginx, which has the certificate, and says so when nobody is behind it', async (test) => {
    if (!hasNginx) test.skip('nginx is not installed');
    const out = join(work, 'out');
    const { recv, address, code } = await startReceiverHere(out);
    const nginx = await startNginx(Number(address.split(':').at(-1)));
    endings.push(() => nginx.close());
    const target = `wss://localhost:${nginx.port}`;
    const sent = await send(target, code, trusting);
    expect(sent.status, sent.stdout).toBe(0);
    expect((await recv.ended).status).toBe(0);
    expect(await arrived(out)).toBe(true);
    const again = await send(target, code, trusting);
    expect(eventOf(again, 'error')).toMatchObject({ code: 'ERR_XFER_UNREACHABLE', exit: 3 });
  });

  it('is refused where nobody vouches for the certificate, with what to do', async () => {
    const { recv, address, code } = await startReceiverHere(join(work, 'out'), {
      listen: 'wss://127.0.0.1:0',
      flags: ['--once', ...tlsFlags],
    });
    const sent = await send(address, code);
    expect(sent.status).toBe(4);
    expect(eventOf(sent, 'error')).toMatchObject({
      code: 'ERR_XFER_CERTIFICATE',
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
    await recv.interrupt();
  });
});

describe('the certificate of a receiver', () => {
  const listening = async (...flags: string[]): Promise<Ended> => {
    const arguments_ = ['recv', join(work, 'out'), '--listen', 'wss://127.0.0.1:0', '--json', ...flags];
    return (await runXfer(arguments_)).ended;
  };

  const listeningHere = async (...flags: string[]): Promise<Ended> =>
    (await runHere(['recv', join(work, 'out'), '--listen', 'wss://127.0.0.1:0', ...flags])).ended;

  it('is needed for wss, and its key with it', async () => {
    const neither = await listeningHere();
    expect(neither.status).toBe(2);
    expect(eventOf(neither, 'error')).toMatchObject({
      code: 'ERR_XFER_USAGE',
      remedy: expect.stringContaining('--tls-cert FILE and --tls-key FILE') as string,
    });
    const one = await listeningHere('--tls-cert', tlsFiles.certificate);
    expect(one.status).toBe(2);
    expect(eventOf(one, 'error')).toMatchObject({ message: expect.stringContaining('--tls-key') as string });
  });

  it('is told to be missing, or to be none, and the key is never shown', async () => {
    const missing = await listening('--tls-cert', join(work, 'nothing'), '--tls-key', tlsFiles.key);
    expect(missing.status).toBe(6);
    expect(eventOf(missing, 'error')).toMatchObject({ code: 'ERR_XFER_NOT_FOUND' });
    const swapped = await listening('--tls-cert', tlsFiles.key, '--tls-key', tlsFiles.certificate);
    expect(swapped.status).toBe(2);
    expect(eventOf(swapped, 'error')).toMatchObject({ code: 'ERR_XFER_USAGE' });
    const secret = (await readFile(tlsFiles.key, 'utf8')).split('\n')[1] ?? '';
    for (const { stdout, stderr } of [missing, swapped]) expect(stdout + stderr).not.toContain(secret);
  });
});
