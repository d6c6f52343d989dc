import { Flags } from '@oclif/core';

/** What commands have that listen: whom they are, in TLS. */
export const tlsFlags = {
  'tls-cert': Flags.string({
    description: 'the certificate for wss:// listeners, in PEM, with those between it and its authority',
    helpValue: 'FILE',
    dependsOn: ['tls-key'],
  }),
  'tls-key': Flags.string({
    description: 'its private key, in PEM without a passphrase',
    helpValue: 'FILE',
    dependsOn: ['tls-cert'],
  }),
};

/** Their values as an option of the application. */
export function tlsOption(flags: { 'tls-cert': string | undefined; 'tls-key': string | undefined }): {
  tls?: { certificate: string; key: string };
} {
  const { 'tls-cert': certificate, 'tls-key': key } = flags;
  return certificate === undefined || key === undefined ? {} : { tls: { certificate, key } };
}
