import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { blockDigestBytes } from '../../../src/transfer/block-digests.js';
import type { TransferMessage } from '../../../src/transfer/messages.js';
import { SendComparisons } from '../../../src/transfer/send-comparisons.js';
import { listed, temporaryDirectory } from './transfer-kit.js';

it.each(['no digests', 'a file that is gone'])(
  'has said how each ended when none is left: %s',
  async (what) => {
    const path = join(await temporaryDirectory(), 'file');
    await writeFile(path, 'content');
    const [entry] = await listed(path);
    const said: TransferMessage[] = [];
    const ended: string[] = [];
    const comparisons = new SendComparisons({
      native: nativeApi(),
      say: (message) => said.push(message),
      onDifferent: () => ended.push('different'),
      onSame: () => ended.push('same'),
      onFailed: () => ended.push('failed'),
    });
    const isGone = what === 'a file that is gone';
    comparisons.add(isGone ? { ...entry, source: `${path} that is not there` } : entry, true);
    const digests = new Uint8Array(blockDigestBytes);
    expect(comparisons.handle({ type: 'digests', id: entry.id, from: 0, digests, isLast: true })).toBe(true);
    while (comparisons.size > 0) await setImmediate();
    // Not a turn later.
    expect(said).toEqual([{ type: 'compared', id: entry.id, isSame: false }]);
    expect(ended).toEqual([isGone ? 'failed' : 'different']);
    await comparisons.close();
  },
);
