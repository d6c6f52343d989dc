/** Where the bytes of one direction of a stream may be cut, as far as it shows to who can read nothing in them. */
export interface Framing {
  /** How much of the unit that comes next it takes to tell its length. */
  readonly headBytes: number;
  /** How long the unit with this head is, the head included; it counts as passed then. undefined: it is none that is known. */
  take(head: Uint8Array): number | undefined;
}

/** Both directions of a stream. */
export interface StreamFraming {
  /** From the side that opened the stream. */
  readonly toward: Framing;
  readonly back: Framing;
}

/** By the opening header that the stream has at its end; undefined for streams that nobody knows the parts of. */
export type FramingOf = (header: Uint8Array) => StreamFraming | undefined;
