import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packetLayout } from '../../src/native/udp-api.js';
import { encodeCodeFrame, encodeOpen } from '../../src/mux/encode.js';
import { frameType } from '../../src/mux/frame.js';
import { encodeWaitHeader } from '../../src/relay/wait-header.js';
import { sessionHeader } from '../../src/session/stream-headers.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { sipHash } from '../support/sip-hash.js';
import { udpProxy, type UdpProxyOptions } from '../support/udp-proxy.js';
import { muxHello, UdpStranger } from '../support/udp-stranger.js';

const endings: (() => unknown)[] = [];
const content = randomBytes(8 * 1024 * 1024 + 11);
let file: string;
let out: string;

beforeEach(async () => {
  const work = await temporaryDirectory();
  file = join(work, 'file');
  out = join(work, 'out');
  await writeFile(file, content);
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const portOf = (url: string): number => Number(url.split(':').at(-1));

async function expectTransfer(send: XferRun, recv: XferRun): Promise<void> {
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
  expect((await readFile(join(out, 'file'))).equals(content)).toBe(true);
  const lanes = sent.events.flatMap((event) => (event.event === 'lane' ? [event.state] : []));
  expect(new Set(lanes)).toEqual(new Set(['up']));
}

/** Opens a stream that DATA packets have no room for, and has its end said. */
async function openPastTheLast(port: number, header: Uint8Array): Promise<void> {
  const id = 2 ** 32 + 1;
  const open = Buffer.concat([encodeOpen(id, 1 << 20, 0, header), encodeCodeFrame(frameType.stop, id, 4)]);
  for (const isInHello of [true, false]) {
    const control = isInHello ? Buffer.concat([muxHello(), open]) : muxHello();
    const stranger = await UdpStranger.dial(port, control);
    endings.push(() => stranger.close());
    if (!isInHello) stranger.control(open);
    // Packets to one socket are read in order: when another is let in, what was said before it has been read.
    const another = await UdpStranger.dial(port);
    endings.push(() => another.close());
  }
}

describe('who dials with the real hellos and opens streams with ids that are too large', () => {
  it('does nothing to a receiver', async () => {
    const { recv, address, code } = await startReceiver(out, { listen: 'udp://127.0.0.1:0' });
    await openPastTheLast(portOf(address), sessionHeader);
    const send = await runXfer(['send', file, address, '--json'], { env: { XFER_CODE: code } });
    await expectTransfer(send, recv);
  });

  it('does nothing to a relay', async () => {
    const relay = await runXfer(['relay', '--listen', 'udp://127.0.0.1:0', '--dial', 'any', '--json']);
    const { addresses } = await relay.event('listening');
    await openPastTheLast(portOf(addresses[0] ?? ''), encodeWaitHeader('1234'));
    const { recv, address, code } = await startReceiver(out, { listen: 'udp://127.0.0.1:0' });
    const flags = ['--json', '--via', addresses[0] ?? ''];
    const send = await runXfer(['send', file, address, ...flags], { env: { XFER_CODE: code } });
    await expectTransfer(send, recv);
    expect(relay.child.exitCode).toBeNull();
  });
});

/** A receiver, a sender and a proxy between them. */
async function between(pass: (port: number) => NonNullable<UdpProxyOptions['pass']>) {
  const { recv, address, code } = await startReceiver(out, {
    listen: 'udp://127.0.0.1:0',
    timeoutMs: 60_000,
  });
  const proxy = await udpProxy({ port: portOf(address), seed: 11, pass: pass(portOf(address)) });
  endings.push(() => proxy.close());
  const flags = ['--json', '--retry', '0', '--lanes', '1', '--limit', '8MB/s'];
  const env = { XFER_CODE: code };
  return {
    recv,
    proxy,
    send: await runXfer(['send', file, proxy.url, ...flags], { env, timeoutMs: 60_000 }),
  };
}

const isOfConnection = (bytes: Buffer): boolean =>
  bytes[0] === packetLayout.data || bytes[0] === packetLayout.dataFin || bytes[0] === packetLayout.control;

describe('who is in the path and has no key', () => {
  it('puts in packets of its own: nothing happens', { timeout: 70_000 }, async () => {
    let count = 0;
    const run = await between(() => ({ bytes, random }) => {
      if (!isOfConnection(bytes) || random() > 0.1) return [bytes];
      const forged = forgeries(bytes);
      count += forged.length;
      // In front, so that a number that was taken for used would cost the real packet.
      return [...forged, bytes];
    });
    await expectTransfer(run.send, run.recv);
    expect(count).toBeGreaterThan(100);
  });

  it('repeats old packets from ten addresses behind a change of address: nothing happens', async () => {
    const thieves = await Promise.all(Array.from({ length: 10 }, thief));
    let answered = 0;
    for (const one of thieves) one.on('message', () => answered++);
    const old: Buffer[] = [];
    let hasMoved = false;
    let repeated = 0;
    const run = await between((port) => ({ bytes, toListener, random }) => {
      if (toListener && isOfConnection(bytes)) {
        if (!hasMoved && old.length < 2000) old.push(Buffer.from(bytes));
        const again = old[Math.floor(random() * old.length)];
        if (hasMoved && again) {
          thieves[repeated % thieves.length]?.send(again, port, '127.0.0.1');
          repeated++;
        }
      }
      return [bytes];
    });
    await run.send.event('progress');
    await run.proxy.rebind();
    hasMoved = true;
    await expectTransfer(run.send, run.recv);
    expect(repeated).toBeGreaterThan(50);
    // One whose original was lost may have been asked where it is from, and has no key to answer with.
    expect(answered).toBeLessThan(50);
  });
});

async function thief(): Promise<Socket> {
  const socket = createSocket('udp4');
  endings.push(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

const wrongKey = Buffer.from('not the real one');

/** For the connection of a packet that was seen, and for one that nobody has. */
function forgeries(seen: Buffer): Buffer[] {
  const id = seen.subarray(packetLayout.connectionAt, packetLayout.numberAt);
  const number = seen.readUIntBE(packetLayout.numberAt, 6);
  const control = (frames: Uint8Array, to: Uint8Array = id, at = number): Buffer => {
    const head = Buffer.alloc(packetLayout.framesAt, packetLayout.control);
    head.set(to, packetLayout.connectionAt);
    head.writeUIntBE(at, packetLayout.numberAt, 6);
    const untagged = Buffer.concat([head, frames]);
    return Buffer.concat([untagged, sipHash(wrongKey, untagged)]);
  };
  const ackOfAll = Buffer.alloc(25);
  ackOfAll[0] = 2;
  ackOfAll.writeUIntBE(number, 1, 6);
  ackOfAll.writeUInt32BE(0xffff, 11);
  ackOfAll.writeUInt32BE(Math.min(number, 0xffff_ffff), 21);
  const reset = encodeCodeFrame(frameType.streamReset, 1, 4);
  const controlData = Buffer.alloc(9 + reset.length, 3);
  controlData.writeUIntBE(0, 1, 6);
  controlData.writeUInt16BE(reset.length, 7);
  controlData.set(reset, 9);
  const close = Uint8Array.of(6, 0, 0, 0);
  const challenge = Uint8Array.of(4, 1, 2, 3, 4, 5, 6, 7, 8);
  const data = Buffer.alloc(packetLayout.dataHeaderBytes + 100, packetLayout.dataFin);
  data.set(id, packetLayout.connectionAt);
  data.writeUIntBE(number + 1, packetLayout.numberAt, 6);
  return [
    ...[ackOfAll, close, controlData, challenge].map((frames) => control(frames)),
    control(close, id, number + 1000),
    control(close, randomBytes(8)),
    data,
  ];
}
