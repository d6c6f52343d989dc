import { expect, it } from 'vitest';
import { addPeer, listPeers } from '../../../src/app/peers.js';
import { temporaryDirectory } from '../../support/run-xfer.js';

const keyOf = (first: number) =>
  Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => first + i)).toString('base64');

it('shows keys that are taken again as they are, and that no command line takes for a flag', async () => {
  const home = await temporaryDirectory();
  // Six bits of 62 at the start: `-` in base64url.
  const key = keyOf(0xf8);
  await addPeer(home, { name: 'bob', key, hosts: [] });
  const [bob] = await listPeers(home);
  expect(bob?.key).toBe(key);
  expect(bob?.key).not.toMatch(/^-/);
});

it.each(['', 'short', `${keyOf(1)}x`, keyOf(1).replace('=', ''), 'x'.repeat(44)])(
  'takes no other key: %j',
  async (key) => {
    const adding = addPeer(await temporaryDirectory(), { name: 'bob', key, hosts: [] });
    await expect(adding).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  },
);
