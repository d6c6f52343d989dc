/** Where the next bytes go: into this memory, or into the link's own, of which `bytes` are wanted at most. */
export type Place = Uint8Array | { readonly bytes: number };

/**
 * An ordered, reliable byte link that carries a mux: what a transport brings to `MuxConnection`. Handlers are set
 * once, before the first byte may arrive.
 */
export interface OrderedLink {
  /**
   * Takes all of `chunks` in order; they stay unchanged until `written` is called, exactly once, when the kernel or
   * the device has them or never will. False asks for no more until `onWritable`.
   */
  write(chunks: Uint8Array[], written: () => void): boolean;
  /** The bytes live until the handler returns. */
  onData(handler: (bytes: Uint8Array) => void): void;
  /**
   * Asked before each read for memory that the next bytes may be put into, at most as many as it is long, so that
   * nobody has to copy them from there; `onData` gets them in any case. A link that cannot leaves it out.
   */
  onPlace?(handler: () => Place | undefined): void;
  onWritable(handler: () => void): void;
  /** The other side ended orderly: no more data will come. */
  onEnd(handler: () => void): void;
  /** The link broke; nothing follows. */
  onError(handler: (error: Error) => void): void;
  /** Ends our direction behind all that was written. The other side's `onEnd` ends the link. */
  close(): void;
  /** Ends both directions at once; `written` of what is under way is called soon. */
  abort(): void;
  /** Written and not yet with the kernel or the device. */
  readonly unsentBytes: number;
}
