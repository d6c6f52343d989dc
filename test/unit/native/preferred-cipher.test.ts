import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cipher } from '../../../src/native/api.js';
import { hasAesByCpuinfo, preferredCipher } from '../../../src/native/preferred-cipher.js';

function cpuinfo(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-cpuinfo-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'cpuinfo'), text);
  return join(directory, 'cpuinfo');
}

describe('the preferred cipher', () => {
  it('is AES where the CPU has it', () => {
    expect(preferredCipher(() => true, {})).toBe(cipher.aes256gcm);
    expect(preferredCipher(() => false, {})).toBe(cipher.chacha20poly1305);
  });

  it('is what XFER_CIPHER says', () => {
    expect(preferredCipher(() => false, { XFER_CIPHER: 'aes' })).toBe(cipher.aes256gcm);
    expect(preferredCipher(() => true, { XFER_CIPHER: 'chacha20' })).toBe(cipher.chacha20poly1305);
  });
});

describe.runIf(process.platform === 'linux')('the flags of /proc/cpuinfo', () => {
  it.each([
    ['x86 with AES', 'processor\t: 0\nflags\t\t: fpu sse4_2 aes avx\nbugs\t:\n', true],
    ['x86 with AES last', 'flags\t\t: fpu aes\n', true],
    ['x86 without', 'flags\t\t: fpu sse4_2 vaes_not\n', false],
    ['arm64 with AES', 'Features\t: fp asimd aes pmull\n', true],
    ['arm64 without', 'Features\t: fp asimd crc32\n', false],
    ['another field that says aes', 'bugs\t: aes \n', false],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(hasAesByCpuinfo(cpuinfo(text))).toBe(expected);
  });

  it('that cannot be read mean none', () => {
    expect(hasAesByCpuinfo('/nonexistent')).toBe(false);
  });
});
