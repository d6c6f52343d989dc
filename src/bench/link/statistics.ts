/** What one direction did since the last `resetStatistics`. Times are those of CLOCK_MONOTONIC. */
export interface DirectionStatistics {
  readonly arrivedPackets: number;
  readonly arrivedBytes: number;
  readonly deliveredPackets: number;
  readonly deliveredBytes: number;
  readonly lostPackets: number;
  readonly lostBytes: number;
  /** Dropped since the queue was full. */
  readonly overrunPackets: number;
  readonly overrunBytes: number;
  readonly downPackets: number;
  readonly downBytes: number;
  readonly oversizedPackets: number;
  readonly oversizedBytes: number;
  /** Of the delivered: the device at the end did not take them. */
  readonly undeliveredPackets: number;
  /** Now. */
  readonly queueBytes: number;
  readonly queueHighWaterBytes: number;
  /** With more than `markBytes` in the queue: together, and the longest time without a break. */
  readonly aboveMarkMs: number;
  readonly longestAboveMarkMs: number;
  /** How often the queue dropped, and for how long together: drops that are no more than 100 ms apart are one overrun. */
  readonly overruns: number;
  readonly overrunMs: number;
  /** Delivered, by IP protocol number and destination port; one of port 0 for what has none. */
  readonly flows: readonly {
    readonly protocol: number;
    readonly port: number;
    readonly packets: number;
    readonly bytes: number;
  }[];
}

export interface LinkStatistics {
  /** When this was so. */
  readonly atMs: number;
  readonly toServer: DirectionStatistics;
  readonly toClient: DirectionStatistics;
}
