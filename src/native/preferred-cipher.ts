import { closeSync, openSync, readSync } from 'node:fs';
import { cipher, type Cipher } from './api.js';

/** The flags stand in the first processor's paragraph; on a large machine the whole file takes milliseconds. */
const cpuinfoBytes = 8192;

/** `XFER_CIPHER=aes|chacha20` decides, for tests; else AES where the CPU has instructions for it. */
export function preferredCipher(hasAes: () => boolean, env: NodeJS.ProcessEnv = process.env): Cipher {
  if (env['XFER_CIPHER'] === 'aes') return cipher.aes256gcm;
  if (env['XFER_CIPHER'] === 'chacha20') return cipher.chacha20poly1305;
  return hasAes() ? cipher.aes256gcm : cipher.chacha20poly1305;
}

/** Without the addon: what Linux says of the CPU; elsewhere the CPUs that run Node 20 have AES. */
export function hasAesByCpuinfo(path = '/proc/cpuinfo'): boolean {
  if (process.platform !== 'linux') return process.arch === 'x64' || process.arch === 'arm64';
  try {
    const fd = openSync(path, 'r');
    try {
      const start = Buffer.alloc(cpuinfoBytes);
      const text = start.toString('latin1', 0, readSync(fd, start, 0, cpuinfoBytes, 0));
      return /^(flags|Features)\s*:.*\saes\s/m.test(text);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
