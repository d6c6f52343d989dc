import { createHash, randomBytes } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
  chmod,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { chosen } from '../support/campaign.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

let tree: string;
let sent: unknown;

beforeAll(async () => {
  tree = join(await temporaryDirectory(), 'tree');
  await mkdir(join(tree, 'deep/er'), { recursive: true });
  await mkdir(join(tree, 'nothing in here'), { mode: 0o700 });
  for (const [name, bytes] of [
    ['empty', 0],
    ['one', 1],
    ['threshold', 65_536],
    ['over', 65_537],
    ['a record', 2 ** 20],
    ['deep/er/large', 9 * 2 ** 20 + 7],
  ] as const)
    await writeFile(join(tree, name), randomBytes(bytes));
  for (let number = 0; number < 200; number++)
    await writeFile(join(tree, 'deep', `small ${number}`), randomBytes(number));
  await chmod(join(tree, 'one'), 0o751);
  await utimes(join(tree, 'one'), 1_000_000_000.125, 1_000_000_001.25);
  await symlink('er/large', join(tree, 'deep/link'));
  await symlink('nowhere', join(tree, 'dangling'));
  await utimes(join(tree, 'deep'), 1_000_000_000, 1_100_000_000);
  sent = await picture(tree);
});

/** What a transfer has to keep of everything below a directory. Without the addon times lose what is below a microsecond. */
async function picture(directory: string): Promise<unknown> {
  const names = (await readdir(directory)).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const { mode, mtimeNs } = await lstat(path, { bigint: true });
      const time = mtimeNs / 1000n;
      switch (Number(mode) & 0o170_000) {
        case 0o040_000:
          return { name, mode, time, below: await picture(path) };
        case 0o120_000:
          return { name, time, target: await readlink(path) };
        default:
          return {
            name,
            mode,
            time,
            hash: createHash('sha256')
              .update(await readFile(path))
              .digest('hex'),
          };
      }
    }),
  );
}

type Environment = Readonly<Record<string, string>>;

async function expectEqualTree(sender: Environment, receiver: Environment): Promise<void> {
  const out = await temporaryDirectory();
  const { recv, address, code } = await startReceiver(out, { env: receiver });
  const send = await runXfer(['send', tree, address, '--json'], { env: { ...sender, XFER_CODE: code } });
  const [{ status, stdout }, received] = await Promise.all([send.ended, recv.ended]);
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('"done"') as string,
  });
  expect(received.status).toBe(0);
  expect(await readdir(out)).toEqual(['tree']);
  expect(await picture(join(out, 'tree'))).toEqual(sent);
}

describe('without the addon, and whatever cipher a side does fastest, a tree arrives equal', () => {
  const off = { XFER_NATIVE: 'off' };
  const [aes, chacha20] = [{ XFER_CIPHER: 'aes' }, { XFER_CIPHER: 'chacha20' }];
  type Sides = readonly [sender: Environment, receiver: Environment];
  /** Each way to be without the addon, and each pair of ciphers. */
  const usual: readonly Sides[] = [
    [aes, aes],
    [aes, { ...chacha20, ...off }],
    [{ ...chacha20, ...off }, aes],
    [chacha20, chacha20],
    [off, off],
  ];
  const all: readonly Sides[] = [...usual, [off, {}], [{}, off], [aes, chacha20], [chacha20, aes]];
  it.each(chosen(all, usual))('sender %j, receiver %j', expectEqualTree);
});
