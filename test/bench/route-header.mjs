/** The opening header of a stream that one relay is to take to `url` (docs/protocol.md, Relays). */
export function encodeRouteTo(url, inner = Buffer.alloc(0)) {
  const to = Buffer.from(url);
  const [ttl, visited, relays, branches] = [16, 0, 0, 1];
  return Buffer.concat([
    Buffer.from('xfer\x03', 'latin1'),
    Buffer.from([ttl, visited, relays, branches, to.length]),
    to,
    Buffer.from([inner.length >> 8, inner.length & 0xff]),
    inner,
  ]);
}
