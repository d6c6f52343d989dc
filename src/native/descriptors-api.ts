/**
 * Bytes from and to descriptors that were opened elsewhere: standard input and output, pipes, terminals, sockets, devices,
 * files. Both sides leave the description as it was for others that share it, and neither keeps the process from ending.
 */
export interface DescriptorsApi {
  /** Takes the descriptor over: `close` closes it. Throws the errno of fstat(2). */
  reader(fd: number, options?: ReaderOptions): DescriptorReader;
  /** The same. */
  writer(fd: number, options?: DescriptorOptions): DescriptorWriter;
}

export interface DescriptorOptions {
  /** It was opened here, with O_NONBLOCK, and nobody else has it. */
  readonly isOwn?: boolean;
}

export interface ReaderOptions extends DescriptorOptions {
  /** A FIFO of our own that perhaps nobody writes to yet: that is not its end. */
  readonly awaitsWriter?: boolean;
}

/** One call at a time. While a call is under way its memory is the reader's or writer's. */
export interface DescriptorReader {
  /** What is there, once anything is: its bytes, 0 at the end or where `close` ends it. Rejects with an errno. */
  read(into: Uint8Array): Promise<number>;
  /** A pipe has no reader then, and its writer gets SIGPIPE. Of 0, 1 and 2 the number goes on to stand for /dev/null. */
  close(): void;
}

export interface DescriptorWriter {
  /** When the kernel has taken all. Rejects with an errno: EPIPE where nobody reads any more, and where `close` ends it. */
  write(bytes: Uint8Array): Promise<void>;
  /** Called once when nobody reads any more although nothing is being written. Without the addon never. */
  onBroken(handler: () => void): void;
  /** A reader comes to the end then. As of a reader. Throws what close(2) says, which may be of what was written. */
  close(): void;
}
