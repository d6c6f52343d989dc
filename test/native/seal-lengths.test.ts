import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cipher } from '../../src/native/api.js';
import { sealRecord } from '../../src/native/record-codec.js';
import { describeAddon } from './implementations.js';
import { temporaryDirectory } from './seal-jobs.js';

const script = fileURLToPath(new URL('fixtures/seal-lengths.cjs', import.meta.url));
/** Every rest of a step of 512 bytes, behind none, one and two of them; some that are long. */
const lengths = [
  ...Array.from({ length: 3 * 512 + 2 }, (_, bytes) => bytes),
  ...[4095, 4097, 65_519, 65_536, 2 ** 20, 2 ** 20 + 129],
];

interface Sealed {
  readonly isWide: boolean;
  readonly digest: string;
}

const sealed = (gcm: string): Sealed =>
  JSON.parse(
    execFileSync(process.execPath, [script, lengths.join()], {
      env: { ...process.env, TMPDIR: temporaryDirectory(), XFER_GCM: gcm },
      encoding: 'utf8',
    }),
  ) as Sealed;

function byTwin(): string {
  const digest = createHash('sha256');
  for (const [counter, bytes] of lengths.entries()) {
    const key = { cipher: cipher.aes256gcm, key: Buffer.alloc(32, counter % 3), counter };
    const body = Uint8Array.from({ length: bytes }, (_, i) => (i * i + bytes) & 255);
    digest.update(sealRecord(key, Buffer.alloc(32, 5), body));
  }
  return digest.digest('hex');
}

/** As Linux tells of them. */
function hasInstructions(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return ['vaes', 'vpclmulqdq', 'avx512f', 'avx512bw', 'avx512vl', 'aes', 'pclmulqdq'].every((flag) =>
    flags.includes(flag),
  );
}

describeAddon('AES-256-GCM', () => {
  it('is the same by wide instructions, by OpenSSL and by the twin, for bodies of every length', () => {
    const digest = byTwin();
    expect(sealed('openssl')).toEqual({ isWide: false, digest });
    expect(sealed('')).toEqual({ isWide: hasInstructions(), digest });
  }, 60_000);
});
