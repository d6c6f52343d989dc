import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunningTransfers } from '../../../src/app/running-transfers.js';
import { nativeApi } from '../../../src/native/index.js';
import { encodeJournalHeader } from '../../../src/transfer/journal-core.js';
import { temporaryDirectory } from '../../support/run-xfer.js';

const { files } = nativeApi();
const peer = (byte: number) => new Uint8Array(32).fill(byte);
const journalOf = (byte: number) =>
  encodeJournalHeader({ peer: peer(byte), key: new Uint8Array(16), root: new Uint8Array(16) });

/** The transfers of a receiver that has started in this directory. */
async function startedIn(directory: string): Promise<RunningTransfers> {
  const root = await files.openRoot(directory);
  onTestFinished(() => files.close(root));
  const transfers = new RunningTransfers();
  transfers.readJournals(files, root, directory);
  await transfers.ready;
  return transfers;
}

describe('a receiver that starts', () => {
  it('knows whose transfers were stopped, and nobody else', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, '.xfer-a.journal'), journalOf(1));
    await writeFile(join(directory, 'b.journal'), journalOf(2));
    await writeFile(join(directory, '.xfer-c.part'), journalOf(3));
    const transfers = await startedIn(directory);
    expect([1, 2, 3].map((byte) => transfers.mayResume(peer(byte)))).toEqual([true, false, false]);
    expect(transfers.hasResumable).toBe(true);
  });

  it('knows them although other journals cannot be read', async () => {
    const directory = await temporaryDirectory();
    const outside = join(await temporaryDirectory(), 'outside');
    await writeFile(outside, journalOf(9));
    for (const at of ['a', 'z']) {
      await mkdir(join(directory, `.xfer-${at}1.journal`));
      await symlink(outside, join(directory, `.xfer-${at}2.journal`));
      await writeFile(join(directory, `.xfer-${at}3.journal`), '');
      await writeFile(join(directory, `.xfer-${at}4.journal`), journalOf(8).fill(0, 8, 20));
    }
    await writeFile(join(directory, '.xfer-m.journal'), journalOf(1));
    const transfers = await startedIn(directory);
    expect([1, 8, 9].map((byte) => transfers.mayResume(peer(byte)))).toEqual([true, false, false]);
  });

  it('knows nobody where nothing was stopped', async () => {
    const transfers = await startedIn(await temporaryDirectory());
    expect([transfers.hasResumable, transfers.mayResume(peer(1))]).toEqual([false, false]);
  });
});
