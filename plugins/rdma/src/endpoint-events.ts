import { fabricEvent } from 'xfer/plugin';

/** A message that lies in a receive buffer. */
export interface ReceivedMessage {
  readonly isLarge: boolean;
  readonly block: number;
  /** In the memory of its size. */
  readonly offset: number;
  readonly bytes: number;
}

export interface EventsUser {
  handleMessage(message: ReceivedMessage): void;
  handleSent(token: number): void;
  handleFailed(): void;
  /** All that came at once was told; there may be more credit. */
  handleAll(): void;
}

/** Takes apart what an endpoint tells, for one who is there only after the endpoint is. */
export class EndpointEvents {
  user: EventsUser | undefined;

  handle(events: Float64Array, count: number): void {
    const { user } = this;
    if (!user) return;
    for (let at = 0; at < 4 * count; at += 4) {
      const kind = events[at];
      const first = events[at + 1] ?? 0;
      if (kind === fabricEvent.sent) user.handleSent(first);
      else if (kind === fabricEvent.failed) user.handleFailed();
      else if (kind === fabricEvent.small || kind === fabricEvent.large)
        user.handleMessage({
          isLarge: kind === fabricEvent.large,
          block: first,
          offset: events[at + 2] ?? 0,
          bytes: events[at + 3] ?? 0,
        });
    }
    user.handleAll();
  }
}
