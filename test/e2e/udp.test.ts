import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packetLayout } from '../../src/native/udp-api.js';
import { startReceiver } from '../support/receiver.js';
import { runUsually } from '../support/run-hosted.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { failureOf, transferred } from '../support/transfer.js';
import { udpProxy, type UdpProxy, type UdpProxyOptions } from '../support/udp-proxy.js';

const endings: (() => unknown)[] = [];
const content = randomBytes(8 * 1024 * 1024 + 11);
let work: string;
let file: string;
let out: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  file = join(work, 'file');
  out = join(work, 'out');
  await writeFile(file, content);
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const arrived = async () => (await readFile(join(out, 'file'))).equals(content);
const portOf = (url: string): number => Number(url.split(':').at(-1));

/** A receiver and a proxy before it, and how to send over that. */
async function behindProxy(options: Omit<UdpProxyOptions, 'port'>, flags: readonly string[] = []) {
  const { recv, address, code } = await startReceiver(out, {
    listen: 'udp://127.0.0.1:0',
    timeoutMs: 60_000,
    start: runUsually,
  });
  const proxy: UdpProxy = await udpProxy({ ...options, port: portOf(address) });
  endings.push(() => proxy.close());
  const env = { XFER_CODE: code };
  const send = await runUsually(['send', file, proxy.url, '--json', ...flags], { env, timeoutMs: 60_000 });
  return { recv, send, proxy };
}

async function bothEndWell({ send, recv }: Awaited<ReturnType<typeof behindProxy>>): Promise<void> {
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
  expect(await arrived()).toBe(true);
}

describe('a transfer over udp', () => {
  it.each([
    ['as it comes', '127.0.0.1', []],
    ['IPv6', '[::1]', []],
    ['datagrams for a link of 1500 bytes', '127.0.0.1', ['--mtu', '1500']],
    ['cubic', '127.0.0.1', ['--cc', 'cubic']],
    ['ledbat', '127.0.0.1', ['--cc', 'ledbat']],
    ['a fixed rate', '127.0.0.1', ['--cc', 'fixed:40MB/s']],
    ['several lanes', '127.0.0.1', ['--lanes', '3']],
  ])('arrives: %s', async (_what, host, sendFlags) => {
    const receiver = { listen: `udp://${host}:0` };
    const { done } = await transferred({ paths: [file], out, sendFlags, receiver, start: runUsually });
    expect(done).toMatchObject({ transport: 'udp', files: 1, bytes: content.length });
    expect(await arrived()).toBe(true);
  });

  it('arrives without the addon on either side', async () => {
    const env = { XFER_NATIVE: 'off' };
    const receiver = { listen: 'udp://127.0.0.1:0', env };
    await transferred({ paths: [file], out, receiver, sender: { env } });
    expect(await arrived()).toBe(true);
  });

  it('arrives over a relay that is dialled and dials over udp', async () => {
    const relay = await runXfer(['relay', '--listen', 'udp://127.0.0.1:0', '--dial', 'any', '--json']);
    const { addresses } = await relay.event('listening');
    const receiver = { listen: 'udp://127.0.0.1:0' };
    const sendFlags = ['--via', addresses[0] ?? ''];
    const { done } = await transferred({ paths: [file], out, receiver, sendFlags, start: runUsually });
    expect(done).toMatchObject({ transport: 'udp' });
    expect(await arrived()).toBe(true);
  });

  it('says soon that nobody listens', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    const env = { XFER_CODE: '7-nobody-there' };
    const send = await runUsually(['send', file, `udp://127.0.0.1:${port}`, '--json', '--retry', '0'], {
      env,
    });
    expect(failureOf(await send.ended)).toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED', status: 3 });
  });

  it('refuses a congestion control and an MTU that do not exist', async () => {
    for (const flags of [
      ['--cc', 'fast'],
      ['--mtu', '12'],
      ['--cc', 'fixed:'],
    ]) {
      const send = await runUsually(['send', file, 'udp://127.0.0.1:9', '--json', ...flags]);
      expect((await send.ended).status).toBe(2);
    }
  });
});

describe('a bad link', () => {
  it('loses, repeats and changes datagrams: all arrives', async () => {
    const pass: UdpProxyOptions['pass'] = ({ bytes, random }) => {
      const fate = random();
      if (fate < 0.02) return [];
      if (fate < 0.03) return [bytes, bytes];
      if (fate > 0.99) return [changed(bytes, Math.floor(random() * headerOf(bytes)), random)];
      return [bytes];
    };
    await bothEndWell(await behindProxy({ pass, seed: 7 }, ['--mtu', '1500']));
  });

  it('exchanges late datagrams: all arrives', async () => {
    let late: Buffer[] = [];
    const pass: UdpProxyOptions['pass'] = ({ bytes, random }) => {
      const now = [bytes, ...late];
      late = [];
      if (random() > 0.03) return now;
      late = now;
      return [];
    };
    await bothEndWell(await behindProxy({ pass, seed: 8 }, ['--mtu', '1500']));
  });

  it('takes no datagram of more than 1400 bytes: smaller ones are found to pass', async () => {
    await bothEndWell(await behindProxy({ pass: ({ bytes }) => (bytes.length > 1400 ? [] : [bytes]) }));
  });

  it('is dead for a while: the transfer goes on', async () => {
    let isDead = false;
    const run = await behindProxy({ pass: ({ bytes }) => (isDead ? [] : [bytes]) }, ['--limit', '4MB/s']);
    await run.send.event('progress');
    isDead = true;
    setTimeout(() => (isDead = false), 1000);
    await bothEndWell(run);
  });
});

describe('an address that changes in the middle', () => {
  it.each([
    ['once', 1],
    ['three times', 3],
  ])('does not end the transfer: %s', async (_often, times) => {
    const run = await behindProxy({}, ['--limit', '4MB/s', '--retry', '0']);
    for (let i = 0; i < times; i++) {
      await run.send.event('progress');
      await run.proxy.rebind();
    }
    await bothEndWell(run);
    const lanes = run.send.events.flatMap((event) => (event.event === 'lane' ? [event.state] : []));
    expect(lanes).toEqual(['up']);
  });
});

describe('who sees all datagrams and has no key', () => {
  it('repeats them from addresses of its own, and changes nothing', async () => {
    const thief = createSocket('udp4');
    endings.push(() => thief.close());
    let answers = 0;
    thief.on('message', () => answers++);
    const { recv, address, code } = await startReceiver(out, {
      listen: 'udp://127.0.0.1:0',
      start: runUsually,
    });
    const port = portOf(address);
    const proxy = await udpProxy({
      port,
      pass: ({ bytes, toListener }) => {
        if (toListener && bytes[0] !== 0x10) thief.send(bytes, port, '127.0.0.1');
        return [bytes];
      },
    });
    endings.push(() => proxy.close());
    const env = { XFER_CODE: code };
    const send = await runUsually(['send', file, proxy.url, '--json', '--retry', '0'], { env });
    await bothEndWell({ recv, send, proxy });
    // A repetition that came before its original may have been asked where it is from, and has no key to answer with.
    expect(answers).toBeLessThan(50);
  });
});

/** What a change of must be found by the transport; the content behind it is the session's. */
function headerOf(bytes: Buffer): number {
  const isData = bytes[0] === packetLayout.data || bytes[0] === packetLayout.dataFin;
  return isData ? Math.min(bytes.length, packetLayout.dataHeaderBytes) : bytes.length;
}

function changed(bytes: Buffer, at: number, random: () => number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return copy;
}
