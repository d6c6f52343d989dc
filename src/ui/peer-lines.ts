import { printable, printableJson } from '../transfer/printable.js';

interface ShownPeer {
  readonly name: string;
  readonly fingerprint: string;
  readonly key: string;
  readonly hosts: readonly string[];
}

/** A known peer on one line: for programs an object with `event: "peer"`. */
export function peerLine(peer: ShownPeer, { json }: { json: boolean }): string {
  const { name, fingerprint, key, hosts } = peer;
  if (json) return printableJson({ event: 'peer', name, fingerprint, key, hosts });
  return printable([name, fingerprint, ...(hosts.length > 0 ? [hosts.join(', ')] : [])].join('  '));
}

/** This machine's own key, as `xfer peers add` takes it elsewhere. */
export function ownKeyLine(own: { key: string; fingerprint: string }, { json }: { json: boolean }): string {
  const { key, fingerprint } = own;
  return json
    ? printableJson({ event: 'self', fingerprint, key })
    : `this machine: ${fingerprint}, key ${key}`;
}
