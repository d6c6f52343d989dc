/** Opening header of the stream on which a session begins: `xfer` and the version of this header. */
export const sessionHeader: Uint8Array = Uint8Array.from([...Buffer.from('xfer'), 1]);

export function isSessionHeader(header: Uint8Array): boolean {
  return Buffer.compare(header, sessionHeader) === 0;
}
