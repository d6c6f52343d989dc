import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url));

/** Files with a certificate for localhost, 127.0.0.1, ::1 and xfer.test, which vouches for itself, and with its key. */
export const tlsFiles = {
  certificate: at('test-only-certificate.pem'),
  key: at('test-only-key.pem'),
};

export const tlsIdentity = {
  certificate: readFileSync(tlsFiles.certificate),
  key: readFileSync(tlsFiles.key),
};
