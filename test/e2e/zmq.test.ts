import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { missingPyzmq, startPeer, whole, type Peer } from '../support/pyzmq.js';
import { listenPipe, runPipe, type PipeRun } from '../support/run-pipe.js';
import { temporaryDirectory } from '../support/run-xfer.js';

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

async function endWell(runs: readonly PipeRun[]): Promise<void> {
  for (const { status, stderr } of await Promise.all(runs.map(({ ended }) => ended)))
    expect(status, stderr).toBe(0);
}

describe.skipIf(missing)(`pyzmq across a hop${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('goes from PUSH to PULL, all of it in order', { timeout: 2 * timeoutMs }, async () => {
    const folder = await temporaryDirectory();
    const [near, far] = ['near', 'far'].map((name) => `ipc://${join(folder, name)}`);
    const puller = peer('pull', `${far}`);
    const runs = await hop(`zmq+pull:bind:${near}?count=${count + 1}`, `zmq+push:bind:${far}`);
    peer('push', `${near}`, '--count', `${count}`, '--end');
    expect(await puller.result).toEqual(whole(count));
    await endWell(runs);
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
