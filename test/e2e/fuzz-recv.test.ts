import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FuzzRandom } from '../support/fuzz-random.js';
import { holdings, startFuzzReceiver, type FuzzReceiver } from '../support/fuzz-receiver.js';
import { fuzzStranger } from '../support/fuzz-strangers.js';
import { FuzzTally } from '../support/fuzz-tally.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

const seed = Number(process.env['XFER_FUZZ_SEED'] ?? randomBytes(4).readUInt32BE(0));
/** Frames and handshakes, strangers' and sessions' together. */
const count = Number(process.env['XFER_FUZZ_COUNT'] ?? 20_000);
const workers = 6;
const timeoutMs = 60_000 + count * 10;
const onLinux = process.platform === 'linux';

it('a receiver outlives strangers', { timeout: timeoutMs }, async () => {
  process.stderr.write(`XFER_FUZZ_SEED=${seed} XFER_FUZZ_COUNT=${count}\n`);
  const receiver = await startFuzzReceiver({ timeoutMs });
  const tally = new FuzzTally();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const random = new FuzzRandom(seed + worker);
      const target = { port: receiver.port, source: onLinux ? `127.0.0.${2 + worker}` : undefined };
      while (tally.total < count / 2) await fuzzStranger({ target, random, tally, ...receiver });
    }),
  );
  process.stderr.write(`${tally.lines().join('\n')}\n${(performance.now() - began) / 1000} s\n`);
  if (onLinux) process.stderr.write(`${JSON.stringify(await holdings(receiver.recv.child.pid ?? 0))}\n`);
  await sendHonestly(receiver);
  await receiver.recv.kill('SIGINT');
  expect(receiver.recv.stderr).toBe('');
});

/** The code of the beginning is still good. */
async function sendHonestly({ address, code, directory }: FuzzReceiver): Promise<void> {
  const content = randomBytes(300_000);
  const path = join(await temporaryDirectory(), 'honest');
  await writeFile(path, content);
  const send = await runXfer(['send', path, address, '--json'], { env: { XFER_CODE: code } });
  const { status, stdout } = await send.ended;
  expect(status, stdout).toBe(0);
  expect((await readFile(join(directory, 'honest'))).equals(content)).toBe(true);
}
