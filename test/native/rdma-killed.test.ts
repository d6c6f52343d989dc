import { rdma } from '@xfer/rdma';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/plugin.js';

const script = fileURLToPath(new URL('../support/rdma-listener.mjs', import.meta.url));
const MiB = 2 ** 20;

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

beforeEach(async (test) => {
  const probe = await (await rdma().load()).probe();
  if (!probe.ok) test.skip(`${probe.code}: ${probe.reason} (${probe.remedy})`);
});

/** To a listener in a process of its own. */
async function connected(scheme: string): Promise<Connection> {
  const started = spawn(process.execPath, [script, scheme], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  const [said] = (await once(started.stdout, 'data')) as [Buffer];
  const to = { scheme, host: '127.0.0.1', port: Number(said.toString()) };
  return (await rdma().load()).dial(to, { signal: new AbortController().signal });
}

describe.each(['rdma+tcp', 'rdma+shm'])('%s between processes', (scheme) => {
  it('carries, and closes cleanly', async () => {
    const near = await connected(scheme);
    const stream = near.openStream();
    const ended = new Promise<void>((resolve) => stream.onEnd(resolve));
    stream.onData(() => undefined);
    let released = 0;
    for (let i = 0; i < 64; i++) stream.send(Buffer.alloc(MiB, i), () => released++);
    stream.closeWrite();
    await ended;
    await near.close();
    expect(await near.closed).toEqual({ by: 'local', clean: true });
    expect(released).toBe(64);
  });

  it('breaks at once when the other process is killed in the middle, and lets go of everything', async () => {
    const near = await connected(scheme);
    const stream = near.openStream();
    await stream.opened;
    let released = 0;
    const allReleased = new Promise<void>((resolve) => {
      for (let i = 0; i < 64; i++)
        stream.send(Buffer.alloc(MiB, i), () => {
          if (++released === 64) resolve();
        });
    });
    const at = performance.now();
    child?.kill('SIGKILL');
    const { clean, error } = await near.closed;
    // Without the word of the kernel it would be the silence of mux, which takes half a minute.
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(clean).toBe(false);
    expect(error).toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    await allReleased;
  });
});
