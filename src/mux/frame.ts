/** Frame header, big-endian: type u8 · flags u8 · payload length u32 · stream id u64 (at most 2^53 − 1). */
export const frameHeaderBytes = 14;

export const frameType = Object.freeze({
  streamOpen: 0x01,
  openAck: 0x02,
  openErr: 0x03,
  streamData: 0x04,
  streamClose: 0x05,
  streamReset: 0x06,
  window: 0x07,
  goaway: 0x08,
  stop: 0x09,
  linkHello: 0x20,
  linkHelloAck: 0x21,
  keepalive: 0x22,
  keepaliveAck: 0x23,
});

/** Frames that came later: whoever does not know them skips them. */
export const extensionType = Object.freeze({
  /** On stream 0: a message beside all streams. */
  linkMessage: 0x80,
  /** What the OPEN_ACK, OPEN_ERR or STREAM_RESET right behind it has to say. */
  streamDetail: 0x81,
});

/** Longest payloads of the two. */
export const maxLinkMessageBytes = 4096;
export const maxStreamDetailBytes = 256;

/** Flags of STREAM_DATA; every other frame carries none. */
export const frameFlag = Object.freeze({
  /** The sender writes no more: this frame's bytes are its last. */
  finWrite: 0x01,
  /** The sender has read up to the other side's FIN_WRITE (or discarded up to it, after a STOP). */
  finRead: 0x02,
});

/** Frames of unknown types from here up are skipped, below they end the link. */
export const firstIgnorableType = 0x80;

/** Fixed part of STREAM_OPEN's payload: receive limit u64 · priority i8; the opening header follows. */
export const openFixedBytes = 9;

/** Largest id where the link carries content beside the frames: its packets have 32 bits for it. */
export const maxIdBeside = 0xffff_ffff;

/** Where a stream id or a byte count stops being exact in a double. */
export const maxExact = Number.MAX_SAFE_INTEGER;

/** A value, never thrown: the other side broke the protocol. `version` marks that no common version exists. */
export interface MuxFault {
  readonly kind: 'protocol' | 'version' | 'overload';
  readonly reason: string;
}

export const fault = (reason: string, kind: MuxFault['kind'] = 'protocol'): MuxFault => ({ kind, reason });
