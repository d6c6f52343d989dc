import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runHere } from '../support/run-here.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { failureOf, handedOver, transferred } from '../support/transfer.js';
import { startReceiverHere, transferredHere } from '../support/commands-here.js';
import { udpProxy } from '../support/udp-proxy.js';

/** For what has to take a while, or many datagrams; else a part of it is sent. */
const long = randomBytes(24 * 1024 * 1024 + 11);
const short = long.subarray(0, 3 * 1024 * 1024 + 11);
let content: Buffer = short;
/** What is under way at 8 MB/s when a sender is killed, and what of the last part the receiver has not made sure of. */
const againBytes = 2 * 1024 * 1024;
let work: string;
let file: string;
let out: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  file = join(work, 'file');
  out = join(work, 'out');
  await put(short);
});

async function put(what: Buffer): Promise<void> {
  content = what;
  await writeFile(file, content);
}

const arrived = async () => (await readFile(join(out, 'file'))).equals(content);

describe('a transfer over quic', () => {
  it.each([
    ['as it comes', '127.0.0.1', [], transferred],
    ['IPv6', '[::1]', [], transferredHere],
    ['the one congestion control that it has', '127.0.0.1', ['--cc', 'cubic'], transferredHere],
    ['several lanes', '127.0.0.1', ['--lanes', '3'], transferredHere],
  ])('arrives: %s', async (_what, host, sendFlags, run) => {
    const receiver = { listen: `quic://${host}:0` };
    const { done } = await run({ paths: [file], out, sendFlags, receiver });
    expect(done).toMatchObject({ transport: 'quic', files: 1, bytes: content.length });
    expect(await arrived()).toBe(true);
  });

  it('finds over IPv4 who listens on every address', async () => {
    const { recv, address, code } = await startReceiverHere(out, { listen: 'quic://[::]:0' });
    const to = `quic://127.0.0.1:${address.split(':').at(-1)}`;
    const send = await runHere(['send', file, to], { env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect(await arrived()).toBe(true);
  });

  it('arrives over a relay that is dialled and dials over quic', async () => {
    const relay = await runXfer(['relay', '--listen', 'quic://127.0.0.1:0', '--dial', 'any', '--json']);
    const { addresses } = await relay.event('listening');
    const receiver = { listen: 'quic://127.0.0.1:0' };
    const sendFlags = ['--via', addresses[0] ?? ''];
    const { done } = await transferredHere({ paths: [file], out, receiver, sendFlags });
    expect(done).toMatchObject({ transport: 'quic' });
    expect(await arrived()).toBe(true);
  });

  it('goes on where a sender was killed, and sends little of it twice', async () => {
    await put(long);
    const timeoutMs = 55_000;
    const [home, receiverHome] = [await temporaryDirectory(), await temporaryDirectory()];
    const { recv, address, code } = await startReceiver(out, {
      ...{ listen: 'quic://127.0.0.1:0', flags: [], home: receiverHome, timeoutMs },
    });
    const options = { env: { XFER_CODE: code }, home, timeoutMs };
    const first = await runXfer(['send', file, address, '--json', '--limit', '8MB/s'], options);
    await first.until(({ events }) =>
      events.some((event) => event.event === 'progress' && event.bytes > 4 * 1024 * 1024),
    );
    const killed = await first.kill('SIGKILL');
    const again = await (await runXfer(['send', file, address, '--json'], options)).ended;
    expect(again, again.stdout).toMatchObject({ status: 0, timedOut: false });
    expect(await arrived()).toBe(true);
    expect(handedOver(killed) + handedOver(again)).toBeLessThanOrEqual(content.length + againBytes);
    await recv.kill();
  }, 60_000);

  it('arrives where the path loses one datagram in fifty', async () => {
    await put(long);
    const { recv, address, code } = await startReceiver(out, {
      ...{ listen: 'quic://127.0.0.1:0', flags: ['--once'], timeoutMs: 55_000 },
    });
    let lost = 0;
    const proxy = await udpProxy({
      port: Number(new URL(address).port),
      pass: ({ bytes, random }) => {
        if (random() >= 0.02) return [bytes];
        lost++;
        return [];
      },
    });
    const to = proxy.url.replace('udp:', 'quic:');
    const env = { XFER_CODE: code };
    const send = await runXfer(['send', file, to, '--json'], { env, timeoutMs: 55_000 });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    proxy.close();
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect(await arrived()).toBe(true);
    expect(lost).toBeGreaterThan(100);
  }, 60_000);

  it('leaves the way to others where the congestion control is none of its own', async () => {
    const { recv, address, code } = await startReceiver(out, {
      ...{ listen: 'udp://127.0.0.1:0', flags: ['--once'] },
    });
    const host = new URL(address).host;
    const send = await runXfer(['send', file, host, '--json', '--cc', 'bbr', '--explain'], {
      env: { XFER_CODE: code },
    });
    const [sent] = await Promise.all([send.ended, recv.ended]);
    expect(sent.status, sent.stdout).toBe(0);
    expect(await arrived()).toBe(true);
    expect(sent.stdout).not.toContain('quic://');
  });

  it('says soon that nobody listens', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    const env = { XFER_CODE: '7-nobody-there' };
    const send = await runXfer(['send', file, `quic://127.0.0.1:${port}`, '--json', '--retry', '0'], { env });
    expect(failureOf(await send.ended)).toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED', status: 3 });
  });

  it('says that a port is taken', async () => {
    const { recv, address } = await startReceiver(out, { listen: 'quic://127.0.0.1:0' });
    const second = await runXfer(['recv', join(work, 'other'), '--listen', address, '--json']);
    expect(failureOf(await second.ended)).toMatchObject({ code: 'ERR_XFER_ADDRESS_IN_USE', status: 3 });
    recv.child.kill();
  });

  it('refuses a congestion control that it does not have', async () => {
    const env = { XFER_CODE: '7-nobody-there' };
    const send = await runHere(['send', file, 'quic://127.0.0.1:9', '--cc', 'bbr'], { env });
    expect(failureOf(await send.ended)).toMatchObject({ code: 'ERR_XFER_USAGE', status: 2 });
  });

  it('says what to do where there is no quinn', async () => {
    const env = { XFER_CODE: '7-nobody-there', XFER_QUIC: 'off' };
    const send = await runXfer(['send', file, 'quic://127.0.0.1:9', '--json'], { env });
    expect(failureOf(await send.ended)).toMatchObject({ code: 'ERR_XFER_NO_TRANSPORT', status: 7 });
    const doctor = await runXfer(['doctor', '--json'], { env });
    expect((await doctor.ended).stdout).toContain('XFER_QUIC=off');
  });
});
