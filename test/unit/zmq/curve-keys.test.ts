import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { publicKeyOf, readKeys } from '../../../plugins/zmq/src/curve-keys.js';
import { readOptions } from '../../../plugins/zmq/src/zmq-options.js';
import { temporaryDirectory } from '../../support/run-xfer.js';

const read = async (query: string, environment: NodeJS.ProcessEnv = {}) => {
  const notes: string[] = [];
  const keys = await readKeys(readOptions('pull', query), (note) => notes.push(note), environment);
  return { keys, notes };
};

async function fileWith(text: string, mode = 0o600): Promise<string> {
  const file = join(await temporaryDirectory(), 'key');
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

it('knows the public key of a secret one as libzmq does', () => {
  for (let pairs = 0; pairs < 20; pairs += 1) {
    const { publicKey, secretKey } = curveKeyPair();
    expect(publicKeyOf(secretKey)).toBe(publicKey);
  }
});

it('reads a key by itself, in a certificate, and in the environment', async () => {
  const { publicKey, secretKey } = curveKeyPair();
  const certificate = `# made by hand\nmetadata\ncurve\n    public-key = "${publicKey}"\n    secret-key = "${secretKey}"\n`;
  const alone = await fileWith(`${secretKey}\n`);
  expect(await read(`curve-secret-key-file=${alone}`)).toEqual({ keys: { secretKey }, notes: [] });
  const file = await fileWith(certificate);
  expect((await read(`curve-secret-key-file=${file}&curve-server-key-file=${file}`)).keys).toEqual({
    secretKey,
    serverKey: publicKey,
  });
  const variables = { SECRET: secretKey };
  const query = `curve-secret-key-env=SECRET&curve-server-key=${encodeURIComponent(publicKey)}`;
  expect((await read(query, variables)).keys).toEqual({ secretKey, serverKey: publicKey });
});

it('notes a secret key that others can read', async () => {
  const file = await fileWith(curveKeyPair().secretKey, 0o644);
  expect((await read(`curve-secret-key-file=${file}`)).notes).toEqual([
    `others can read the secret key in ${file}: chmod 600 it`,
  ]);
});

it('has no key in its errors', async () => {
  const { secretKey } = curveKeyPair();
  const bad = `${secretKey.slice(1)}~`;
  const error: unknown = await read(`curve-secret-key-file=${await fileWith(bad)}`).catch(
    (each: unknown) => each,
  );
  expect(error).toMatchObject({ code: 'ERR_XFER_USAGE' });
  expect((error as Error).message).not.toContain(bad.slice(0, 8));
  await expect(read('curve-secret-key-env=NONE')).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  await expect(read('curve-secret-key-file=/nowhere')).rejects.toMatchObject({ code: 'ERR_XFER_NOT_FOUND' });
});
