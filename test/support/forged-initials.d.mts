/**
 * Makes first packets for a QUIC listener, each of a connection of its own. A listener begins a handshake for each and
 * never hears of it again, as with those of forged addresses: anybody can read a client's Initial, and write it again
 * under the keys of another connection (RFC 9001 §5.2). `dial` dials the port, which nobody answers at.
 */
export function forgedInitials(dial: (port: number) => void): Promise<() => Uint8Array>;
