import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CountingProxy } from '../support/counting-proxy.js';
import { missingPyzmq, startPeer, whole, type Peer } from '../support/pyzmq.js';
import { listenPipe, runPipe, type PipeRun } from '../support/run-pipe.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { startRelay } from '../support/start-relay.js';

const missing = missingPyzmq();
const count = 100_000;
const timeoutMs = 100_000;

const peers: Peer[] = [];
afterEach(() => {
  for (const { child } of peers.splice(0)) child.kill('SIGKILL');
});

function peer(role: string, address: string, ...options: readonly string[]): Peer {
  const started = startPeer(role, address, ...options);
  peers.push(started);
  return started;
}

/** Two processes of xfer with a session between them: `near` dials and `far` listens. */
async function hop(near: string, far: string, flags: readonly string[] = []): Promise<readonly PipeRun[]> {
  const { run, address, code } = await listenPipe([...flags, far], { timeoutMs, stdin: 'ignore' });
  const options = { env: { XFER_CODE: code }, timeoutMs, stdin: 'ignore' } as const;
  return [await runPipe([...flags, near, address], options), run];
}

/** A PUSH of numbered messages and an `end`, and a PULL that waits for them: where the one has bound, and the other. */
async function pipeline(): Promise<readonly [from: string, puller: Peer]> {
  const puller = peer('pull', 'tcp://127.0.0.1:*', '--bind');
  const pusher = peer('push', 'tcp://127.0.0.1:*', '--bind', '--count', `${count}`, '--end');
  return [await pusher.line(), puller];
}

async function endWell(runs: readonly PipeRun[]): Promise<void> {
  for (const { status, stderr } of await Promise.all(runs.map(({ ended }) => ended)))
    expect(status, stderr).toBe(0);
}

describe.skipIf(missing)(`pyzmq across a hop${missing === undefined ? '' : ` (${missing})`}`, () => {
  // Over TCP: over Unix sockets libzmq drops the last of a peer that goes while the other one's queue is full.
  it('goes from PUSH to PULL, all of it in order', { timeout: 2 * timeoutMs }, async () => {
    const [from, puller] = await pipeline();
    const runs = await hop(`zmq+pull:${from}?count=${count + 1}`, `zmq+push:${await puller.line()}`);
    expect(await puller.result).toEqual(whole(count));
    await endWell(runs);
  });

  it('goes from PUSH to PULL over a relay', { timeout: 2 * timeoutMs }, async () => {
    const relay = await startRelay({ timeoutMs });
    const [from, puller] = await pipeline();
    const via = ['--via', relay.url];
    const to = `zmq+push:${await puller.line()}`;
    const taker = await runPipe(['--listen', 'room:', ...via, to], { timeoutMs, stdin: 'ignore' });
    const { code = '' } = await taker.listening();
    const options = { env: { XFER_CODE: code }, timeoutMs, stdin: 'ignore' } as const;
    const giver = await runPipe([`zmq+pull:${from}?count=${count + 1}`, 'room:', ...via], options);
    expect(await puller.result).toEqual(whole(count));
    await endWell([giver, taker]);
    await relay.run.kill();
  });

  it('loses nothing where the connection is cut in the middle', { timeout: 2 * timeoutMs }, async () => {
    const [from, puller] = await pipeline();
    const to = `zmq+push:${await puller.line()}`;
    const { run, address, code } = await listenPipe([to], { timeoutMs, stdin: 'ignore' });
    // There are 17 MB in all.
    const proxy = await CountingProxy.open(address, [1e6, 6e6, 12e6]);
    const words = [`zmq+pull:${from}?count=${count + 1}`, proxy.address, '--retry', '60s'];
    const giver = await runPipe(words, { env: { XFER_CODE: code }, timeoutMs, stdin: 'ignore' });
    expect(await puller.result).toEqual(whole(count));
    await endWell([giver, run]);
    expect(proxy.bytes).toBeGreaterThan(12e6);
  });

  it('goes from PUB to every SUB what it wants', { timeout: 2 * timeoutMs }, async () => {
    const folder = await temporaryDirectory();
    const [near, far] = ['near', 'far'].map((name) => `ipc://${join(folder, name)}`);
    const subscribers = ['a', 'b'].map((topic) => peer('sub', `${far}`, '--hwm', '0', '--topic', topic));
    // Messages that a SUB gets: two of three, and two ends.
    const taken = Array.from({ length: count }, (_, at) => at).filter((at) => at % 3 < 2).length + 2;
    const runs = await hop(
      `zmq+sub:${near}?topic=a&topic=b&hwm=0&count=${taken}`,
      `zmq+pub:bind:${far}?hwm=0&wait=3000`,
    );
    peer('pub', `${near}`, '--bind', '--hwm', '0', '--count', `${count}`, '--topic', 'a', '--topic', 'b');
    for (const [topic, { result }] of subscribers.entries()) {
      const expected = Array.from({ length: count }, (_, at) => at).filter((at) => at % 3 === topic);
      expect(await result).toEqual({
        ...{ count: expected.length, distinct: expected.length, torn: 0, ordered: true },
        sum: expected.reduce((total, at) => total + at, 0),
      });
    }
    await endWell(runs);
  });

  it('is not held up by a SUB that has stopped', { timeout: 2 * timeoutMs }, async () => {
    const folder = await temporaryDirectory();
    const [near, far] = ['near', 'far'].map((name) => `ipc://${join(folder, name)}`);
    // It is there, and stands still, before the first message: the queue for it fills up.
    const stopped = peer('sub', `${far}0`, '--bind', '--hwm', '1', '--topic', 'a');
    const live = peer('sub', `${far}1`, '--bind', '--hwm', '0', '--topic', 'a');
    await Promise.all([stopped.line(), live.line()]);
    // Both get messages `a`: every other one, and the end. The queue of whoever is busy holds nine tenths of them.
    const runs = await hop(
      `zmq+sub:${near}?topic=a&hwm=0&count=${count / 2 + 1}`,
      `zmq+pub:${far}0,${far}1?hwm=${0.45 * count}&wait=2000&linger=1`,
    );
    stopped.child.kill('SIGSTOP');
    peer('pub', `${near}`, '--bind', '--hwm', '0', '--count', `${count}`, '--topic', 'a', '--pace');
    expect(await live.result).toMatchObject({
      count: count / 2,
      distinct: count / 2,
      torn: 0,
      ordered: true,
    });
    await endWell(runs);
  });

  it('shares requests of DEALERs among workers of another machine', { timeout: 2 * timeoutMs }, async () => {
    const folder = await temporaryDirectory();
    const [near, far] = ['near', 'far'].map((name) => `ipc://${join(folder, name)}`);
    const runs = await hop(`zmq+router:bind:${near}`, `zmq+dealer:bind:${far}`, ['--duplex']);
    for (const name of ['one', 'two']) peer('worker', `${far}`, '--topic', name);
    const clients = [0, 1].map((nth) =>
      peer('client', `${near}`, '--count', `${count / 2}`, '--from', `${(nth * count) / 2}`),
    );
    const got = await Promise.all(clients.map(({ result }) => result));
    for (const each of got) expect(each).toMatchObject({ count: count / 2, distinct: count / 2, torn: 0 });
    expect(got.reduce((sum, each) => sum + Number(each['sum']), 0)).toBe((count * (count - 1)) / 2);
    expect(Object.keys(got[0]?.['workers'] as object).sort()).toEqual(['one', 'two']);
    for (const run of runs) await run.kill('SIGINT');
  });
});
