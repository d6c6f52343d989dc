import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runUsually } from '../support/run-hosted.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { startRelay, type RunningRelay } from '../support/start-relay.js';

const MB = 1_000_000;

let work: string;
let out: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
});

const notesOf = (run: XferRun) =>
  run.events.flatMap((event) => (event.event === 'note' ? [event.message] : []));

/** A file of random bytes in the working directory. */
async function file(name: string, bytes: number): Promise<string> {
  const path = join(work, name);
  await writeFile(path, randomBytes(bytes));
  return path;
}

describe('a relay that does not pipe', () => {
  it('carries a file as it is, and the sender hears which one it is', async () => {
    const path = await file('file', 12 * MB);
    const relays = [await startRelay(), await startRelay({ flags: ['--rollout', 'off'] })];
    const { recv, address, code } = await startReceiver(out, { start: runUsually });
    const via = relays.flatMap(({ url }) => ['--via', url]);
    const send = await runUsually(['send', path, address, ...via, '--json'], { env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await readFile(join(out, 'file'))).equals(await readFile(path))).toBe(true);
    const stored = relays[1]?.url.replace('tcp://', '') ?? '';
    expect(await send.event('connected')).toMatchObject({ path: 'relayed', storedBy: stored });
    expect(notesOf(send)).toEqual([
      `${stored} stores each record and forwards it then: slower than a relay that pipes`,
    ]);
  });

  it('carries what is sealed once for two receivers', async () => {
    const path = await file('file', 10 * MB);
    const relay = await startRelay({ flags: ['--rollout', 'off'] });
    const env = { XFER_CODE: 'one code for both of them' };
    const receivers = await Promise.all(
      [1, 2].map((i) =>
        startReceiver(`${out}${i}`, { env, home: join(work, `home${i}`), start: runUsually }),
      ),
    );
    const to = receivers.flatMap(({ address }) => ['--to', address]);
    const send = await runUsually(['send', path, ...to, '--via', relay.url, '--json'], { env });
    const ended = await Promise.all([send.ended, ...receivers.map(({ recv }) => recv.ended)]);
    expect(ended.map(({ status }) => status)).toEqual([0, 0, 0]);
    for (const i of [1, 2])
      expect((await readFile(join(`${out}${i}`, 'file'))).equals(await readFile(path))).toBe(true);
    const shared = send.events.filter((event) => event.event === 'lane' && event.lane === 1);
    expect(shared.length).toBeGreaterThanOrEqual(2);
  });

  it('says so where it stores too little for a record', async () => {
    const path = await file('file', 3 * MB);
    const relay = await startRelay({ flags: ['--rollout', 'off', '--store-limit', '64KiB'] });
    const { recv, address, code } = await startReceiver(out, { start: runUsually });
    const send = await runUsually(['send', path, address, '--via', relay.url, '--lanes', '1', '--json'], {
      env: { XFER_CODE: code },
    });
    const [sent] = await Promise.all([send.ended, recv.ended]);
    expect(sent.status).toBe(4);
    expect(await send.event('error')).toMatchObject({
      code: 'ERR_XFER_STORE_LIMIT',
      message: expect.stringContaining('a record is longer than it stores') as string,
    });
  });

  it.each([
    ['--store-limit', '1KiB'],
    ['--inactivity', '0'],
    ['--orphan', 'soon'],
    ['--rollout', 'maybe'],
  ])('is not started with %s %s', async (flag, value) => {
    const run = await runXfer(['relay', '--listen', 'tcp://127.0.0.1:0', flag, value]);
    expect((await run.ended).status).toBe(2);
  });
});

/** A counter of the relay, summed over its labels. */
async function metricOf(relay: RunningRelay, name: string): Promise<number> {
  const { metrics } = await relay.run.event('listening');
  const text = await (await fetch(metrics ?? '')).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  if (values.length === 0) throw new Error(`there is no ${name}`);
  return values.reduce((sum, value) => sum + value, 0);
}

describe('a relay with a shadow', () => {
  /** Sends a file over it, which has to arrive. */
  async function carry(relay: RunningRelay): Promise<void> {
    const path = await file('file', 20 * MB);
    const { recv, address, code } = await startReceiver(out, { start: runUsually });
    const send = await runUsually(['send', path, address, '--via', relay.url, '--lanes', '2', '--json'], {
      env: { XFER_CODE: code },
    });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await readFile(join(out, 'file'))).equals(await readFile(path))).toBe(true);
  }

  it('carries a transfer, and finds no difference', async () => {
    const relay = await startRelay({ flags: ['--rollout', 'shadow', '--metrics', '127.0.0.1:0'] });
    await carry(relay);
    expect(await metricOf(relay, 'xfer_shadow_compared_total')).toBeGreaterThanOrEqual(2);
    expect(await metricOf(relay, 'xfer_shadow_differences_total')).toBe(0);
    expect(await metricOf(relay, 'xfer_shadow_dropped_total')).toBe(0);
  });

  it('may be configured, and goes on where it stores too little to compare', async () => {
    const config = join(work, 'relay.json');
    await writeFile(config, JSON.stringify({ rollout: 'shadow', limits: { storeLimit: '64KiB' } }));
    const relay = await startRelay({ flags: ['--config', config, '--metrics', '127.0.0.1:0'] });
    await carry(relay);
    expect(await metricOf(relay, 'xfer_shadow_dropped_total')).toBeGreaterThanOrEqual(1);
    expect(await metricOf(relay, 'xfer_shadow_differences_total')).toBe(0);
  });
});

describe('a receiver that takes small files only', () => {
  it('gets them', async () => {
    const top = join(work, 'top');
    await mkdir(top);
    for (let i = 0; i < 20; i++) await writeFile(join(top, `${i}`), randomBytes(3000 * i));
    const { recv, address, code } = await startReceiver(out, {
      flags: ['--once', '--rollout', 'off'],
      start: runUsually,
    });
    const send = await runUsually(['send', top, address, '--json'], { env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    for (let i = 0; i < 20; i++)
      expect((await readFile(join(out, 'top', `${i}`))).equals(await readFile(join(top, `${i}`)))).toBe(true);
  });

  it('gets nothing where there is a larger one: both sides say why', async () => {
    const top = join(work, 'top');
    await mkdir(top);
    await writeFile(join(top, 'a'), 'small');
    await writeFile(join(top, 'b'), randomBytes(70_000));
    const { recv, address, code } = await startReceiver(out, {
      flags: ['--once', '--rollout', 'off'],
      start: runUsually,
    });
    const send = await runUsually(['send', top, address, '--json'], { env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([4, 4]);
    expect(await send.event('error')).toMatchObject({
      code: 'ERR_XFER_NO_STREAMING',
      exit: 4,
      message: `the receiver takes files of up to 65536 bytes only, and ${join(top, 'b')} has 70000`,
      remedy: expect.stringContaining('--rollout off') as string,
    });
    expect(await readdir(out)).toEqual([]);
  });

  it('gets larger ones with a larger threshold', async () => {
    const path = await file('file', 70_000);
    const flags = ['--once', '--rollout', 'off', '--streaming-threshold', '128KiB'];
    const { recv, address, code } = await startReceiver(out, { flags, start: runUsually });
    const send = await runUsually(['send', path, address, '--json'], { env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await readFile(join(out, 'file'))).equals(await readFile(path))).toBe(true);
  });

  it('is not started with a threshold above a record', async () => {
    const run = await runUsually(['recv', out, '--json', '--streaming-threshold', '2MiB']);
    expect((await run.ended).status).toBe(2);
  });
});
