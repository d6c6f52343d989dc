export interface SourceProxy {
  /** To dial instead. */
  readonly url: string;
  close(): Promise<void>;
}

/** Whoever listens on `port` of 127.0.0.1, with `scheme` over TCP (`tcp`) or over datagrams, sees `from` (in 127.0.0.0/8). */
export declare function sourceProxy(scheme: string, port: number, from: string): Promise<SourceProxy>;
