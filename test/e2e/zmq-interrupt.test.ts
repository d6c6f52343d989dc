import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { messageDecoder } from '../../src/pipe/message-codec.js';
import { missingPyzmq, startPeer, tally, whole, type Peer } from '../support/pyzmq.js';
import { dialPipe, listenPipe, pipeErrorOf, type PipeRun } from '../support/run-pipe.js';
import { temporaryDirectory } from '../support/run-xfer.js';

const missing = missingPyzmq();
const time = { timeout: 60_000 };
const stdin = 'ignore';

const peers: Peer[] = [];
afterEach(() => {
  for (const { child } of peers.splice(0)) child.kill('SIGKILL');
});

/** A PUSH that does not come to its end while a test runs; where it has bound. */
async function endlessPush(): Promise<string> {
  const pusher = startPeer('push', 'tcp://127.0.0.1:*', '--bind', '--count', '100000000');
  peers.push(pusher);
  return pusher.line();
}

const hasMoved = ({ events }: PipeRun): boolean =>
  events.some((event) => event.event === 'progress' && event.bytes > 0);

describe.skipIf(missing)(`SIGINT and ZeroMQ${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('ends a source in order: what was read has gone out', time, async () => {
    const out = join(await temporaryDirectory(), 'out');
    const listening = await listenPipe([`file:${out}`], { stdin });
    const dialer = await dialFrom(`zmq+pull:${await endlessPush()}`, listening);
    await dialer.until(hasMoved);
    const [given, taken] = await Promise.all([dialer.kill('SIGINT'), listening.run.ended]);
    expect([given.status, pipeErrorOf(given)], given.stderr).toEqual([130, 'ERR_XFER_INTERRUPTED']);
    expect(taken.status, taken.stderr).toBe(0);
    const messages = messageDecoder('len32').decode(await readFile(out));
    expect(tally(messages)).toEqual(whole(messages.length));
  });

  it('ends a source that is silent', time, async () => {
    const folder = await temporaryDirectory();
    const listening = await listenPipe([`file:${join(folder, 'out')}`], { stdin });
    const dialer = await dialFrom(`zmq+pull:bind:ipc://${join(folder, 'in')}`, listening);
    await dialer.until(({ events }) => events.some(({ event }) => event === 'connected'));
    // Before the far sink is open the source has not begun, and there is nothing to be ended in order.
    await vi.waitFor(() => stat(join(folder, 'out')), 10_000);
    await delay(200);
    const [given, taken] = await Promise.all([dialer.kill('SIGINT'), listening.run.ended]);
    expect([given.status, taken.status], given.stderr + taken.stderr).toEqual([130, 0]);
  });

  it('ends a source whose other side has gone', time, async () => {
    const listening = await listenPipe([`file:${join(await temporaryDirectory(), 'out')}`], { stdin });
    const dialer = await dialFrom(`zmq+pull:${await endlessPush()}`, listening, ['--retry', '60s']);
    await dialer.until(hasMoved);
    await listening.run.kill();
    await dialer.until(({ events }) =>
      events.some((event) => event.event === 'lane' && event.state === 'down'),
    );
    const given = await dialer.kill('SIGINT');
    expect([given.status, given.signal], given.stderr).toEqual([130, null]);
  });

  it('ends a source whose content nobody takes', time, async () => {
    // No PULL is there: the far sink waits for one.
    const nobody = `ipc://${join(await temporaryDirectory(), 'nobody')}`;
    const listening = await listenPipe([`zmq+push:bind:${nobody}`], { stdin });
    const dialer = await dialFrom(`zmq+pull:${await endlessPush()}`, listening);
    await dialer.until(({ events }) => events.some((event) => event.event === 'progress' && event.sent > 0));
    const given = await dialer.kill('SIGINT');
    expect([given.status, given.signal], given.stderr).toEqual([130, null]);
    const taken = await listening.run.ended;
    expect([taken.status, pipeErrorOf(taken)], taken.stderr).toEqual([3, 'ERR_XFER_PEER_INTERRUPTED']);
  });

  it('ends both ways of a socket', time, async () => {
    const folder = await temporaryDirectory();
    const [near, far] = ['near', 'far'].map((name) => `bind:ipc://${join(folder, name)}`);
    const listening = await listenPipe(['--duplex', `zmq+dealer:${far}`], { stdin });
    const dialer = await dialFrom(`zmq+router:${near}`, listening, ['--duplex']);
    await dialer.until(({ events }) => events.some(({ event }) => event === 'connected'));
    const [given, taken] = await Promise.all([dialer.kill('SIGINT'), listening.run.ended]);
    expect([given.status, given.signal], given.stderr).toEqual([130, null]);
    expect(taken.signal, taken.stderr).toBe(null);
  });
});

function dialFrom(
  from: string,
  { address, code }: { readonly address: string; readonly code: string },
  flags: readonly string[] = [],
): Promise<PipeRun> {
  return dialPipe({ address: from, code }, [address, ...flags], { stdin });
}
