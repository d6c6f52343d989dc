import { readFile } from 'node:fs/promises';
import { fileError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';
import type { TlsIdentity } from '../transport/contract.js';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What a listener with TLS needs. Rejects as a file operation does; whether the two serve, its transport finds out. */
export async function readTlsFiles({ certificate, key }: TlsFiles): Promise<TlsIdentity> {
  const read = (path: string): Promise<Buffer> =>
    readFile(path).catch((cause: unknown) => {
      throw fileError(cause, `cannot read ${printable(path)}`);
    });
  return { certificate: await read(certificate), key: await read(key) };
}
