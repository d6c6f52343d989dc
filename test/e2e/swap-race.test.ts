import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tcp } from '@xfer/mux';
import { expect, it } from 'vitest';
import { send, TransportRegistry, XferError } from '../../src/index.js';
import { makeCanary } from '../support/canary.js';
import { startReceiver } from '../support/receiver.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { startSwapping } from '../support/swapping.js';

const code = 'a-code-that-the-user-chose';
const leastSwaps = 1000;
const leastTransfers = 40;
const mostTransfers = 400;

/** Its names are those of the canary too: whoever follows the link would change something there. */
async function makeTree(at: string): Promise<string> {
  const tree = join(at, 'tree');
  await mkdir(join(tree, 'place/deep'), { recursive: true, mode: 0o700 });
  for (const name of ['first', 'place/file', 'place/new', 'place/deep/file', 'place/deep/new'])
    await writeFile(join(tree, name), `content of ${name}`, { mode: 0o644 });
  await symlink('file', join(tree, 'place/link'));
  await symlink('../file', join(tree, 'place/deep/link'));
  return tree;
}

it.each([
  ['native', undefined],
  ['the twin', 'off'],
])(
  'a directory of the destination that is swapped for a link during whole transfers leads none of them out: %s',
  async (name, native) => {
    const canary = await makeCanary(await temporaryDirectory());
    const before = await canary.picture();
    const tree = await makeTree(await temporaryDirectory());
    const { recv, address } = await startReceiver(canary.root, {
      flags: [],
      env: { XFER_CODE: code, XFER_NATIVE: native },
      timeoutMs: 110_000,
    });
    const transports = new TransportRegistry();
    transports.add(tcp(), '@xfer/mux');
    const home = await temporaryDirectory();
    const transfer = () =>
      send({
        paths: [tree],
        target: address,
        code,
        home,
        transports,
        signal: new AbortController().signal,
        onEvent: () => undefined,
      }).then(
        () => 'committed',
        (error: unknown) => (error instanceof XferError ? error.code : String(error)),
      );

    const swapping = await startSwapping(join(canary.root, 'tree/place'), canary.outside);
    const outcomes: Record<string, number> = {};
    const start = swapping.count();
    let transfers = 0;
    while (
      transfers < mostTransfers &&
      (transfers < leastTransfers || swapping.count() - start < leastSwaps)
    ) {
      const outcome = await transfer();
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      transfers++;
    }
    const swaps = swapping.count() - start;
    await swapping.stop();
    process.stderr.write(`${name}: ${swaps} swaps in ${transfers} transfers: ${JSON.stringify(outcomes)}\n`);

    expect(swaps).toBeGreaterThanOrEqual(leastSwaps);
    expect(await canary.picture()).toEqual(before);
    // Nothing but the race itself refuses: absent, or a link for a moment, or made by another.
    expect(Object.keys(outcomes).filter((outcome) => !expected.test(outcome))).toEqual([]);
    expect(await transfer()).toBe('committed');
    expect((await readdir(join(canary.root, 'tree/place'))).sort()).toEqual(['deep', 'file', 'link', 'new']);
    expect(await canary.picture()).toEqual(before);
    expect((await recv.kill('SIGINT')).status).toBe(130);
  },
  120_000,
);

const expected = /^(?:committed|ERR_XFER_(?:NOT_FOUND|NOT_DIRECTORY|LOCAL_IO|EXISTS|IS_DIRECTORY))$/;
