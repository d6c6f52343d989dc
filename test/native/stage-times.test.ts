import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cipher, recordLayout, type SealApi, type StageTimes } from '../../src/native/api.js';
import { sealRecord } from '../../src/native/record-codec.js';
import { describeBoth } from './implementations.js';
import {
  openBody,
  openFile,
  packFiles,
  pattern,
  sealBody,
  sealFrom,
  sealFile,
  sealPacked,
  temporaryDirectory,
  temporaryFile,
} from './seal-jobs.js';

const bytes = 2 ** 18;
const key = { cipher: cipher.aes256gcm, key: pattern(32, 7), counter: 5 };
const header = pattern(32, 9);
const content = pattern(bytes);
const room = () => new Uint8Array(recordLayout.overheadBytes + bytes);

function small(): { paths: string[]; stamps: BigInt64Array } {
  const path = join(temporaryDirectory(), 'file');
  fs.writeFileSync(path, content);
  const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(path, { bigint: true });
  return { paths: [path], stamps: BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs, 0n) };
}

/** A record of the content that does not verify, or does. */
function record(isWhole = true): Uint8Array {
  const sealed = sealRecord(key, header, content);
  if (!isWhole) sealed[100] = (sealed[100] ?? 0) ^ 1;
  return sealed;
}

const jobs: readonly [string, (seal: SealApi) => Promise<unknown>, readonly (keyof StageTimes)[]][] = [
  [
    'sealing a file',
    (seal) =>
      sealFile(seal, {
        ...key,
        header,
        fd: temporaryFile(content).fd,
        position: 0,
        bodyBytes: bytes,
        out: room(),
      }),
    ['readMs', 'sealMs'],
  ],
  [
    'sealing from memory',
    (seal) => sealBody(seal, { ...key, header, bodyBytes: bytes, out: room() }),
    ['sealMs'],
  ],
  [
    'sealing from elsewhere in memory',
    (seal) => sealFrom(seal, { ...key, header, body: new Uint8Array(bytes), out: room() }),
    ['sealMs'],
  ],
  ['packing and sealing', (seal) => sealPacked(seal, { ...key, header, ...small() }), ['readMs', 'sealMs']],
  ['packing', (seal) => packFiles(seal, { ...small(), out: new Uint8Array(12 + bytes) }), ['readMs']],
  [
    'opening into a file',
    (seal) => openFile(seal, { ...key, record: record(), fd: temporaryFile(content).fd, position: 0 }),
    ['openMs', 'writeMs'],
  ],
  ['opening', (seal) => openBody(seal, { ...key, record: record() }), ['openMs']],
  [
    'opening what does not verify',
    (seal) =>
      openFile(seal, { ...key, record: record(false), fd: temporaryFile(content).fd, position: 0 }).catch(
        () => undefined,
      ),
    ['openMs'],
  ],
];

describeBoth('the time that is told', ({ seal }) => {
  it.each(jobs)('grows for what a job did, and for nothing else: %s', async (_, job, stages) => {
    const before = seal.stageTimes();
    await job(seal);
    const after = seal.stageTimes();
    const names = Object.keys(after) as (keyof StageTimes)[];
    expect(names.filter((name) => after[name] > before[name])).toEqual(stages);
    expect(names.filter((name) => after[name] < before[name])).toEqual([]);
  });

  it('is in milliseconds: no stage took longer than all did', async () => {
    const [before, began] = [seal.stageTimes(), performance.now()];
    for (let i = 0; i < 10; i++) await sealBody(seal, { ...key, header, bodyBytes: bytes, out: room() });
    const [spent, passed] = [seal.stageTimes().sealMs - before.sealMs, performance.now() - began];
    expect(spent > 0 && spent <= passed).toBe(true);
    // Ten times a quarter of a MiB in less than a microsecond each would be seconds or nanoseconds.
    expect(spent).toBeGreaterThan(0.01);
  });

  it('is of four stages, and what was given does not change any more', async () => {
    const times = seal.stageTimes();
    expect(Object.keys(times)).toEqual(['readMs', 'sealMs', 'openMs', 'writeMs']);
    const copy = { ...times };
    await openBody(seal, { ...key, record: record() });
    expect(times).toEqual(copy);
  });
});
