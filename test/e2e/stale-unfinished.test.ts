import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { SlowProxy } from '../support/slow-proxy.js';
import { MiB } from './resume-kit.js';

it('a transfer that is noted as unfinished and was committed can be sent again with its code', async () => {
  const [work, home] = [await temporaryDirectory(), await temporaryDirectory()];
  const env = { XFER_CODE: 'a-code-that-the-user-chose' };
  const file = join(work, 'file');
  await writeFile(file, randomBytes(8 * MiB));
  const { address } = await startReceiver(join(work, 'out'), { flags: [], env });
  const proxy = await SlowProxy.open(address, 8 * MiB);
  const send = () => runXfer(['send', file, proxy.address, '--json'], { home, env });
  const first = await send();
  const noted = join(home, 'unfinished.json');
  const row = await vi.waitFor(() => readFile(noted), { timeout: 10_000, interval: 20 });
  expect((await first.ended).status).toBe(0);
  // As a sender that is killed before it hears of the commit, or a note that is written too late, leaves it.
  await writeFile(noted, row);
  expect((await (await send()).ended).status).toBe(0);
  expect((await (await send()).ended).status).toBe(0);
}, 30_000);
