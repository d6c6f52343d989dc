import { XferError } from '../errors/index.js';
import { decodeTransferMessage, encodeTransferMessage } from '../transfer/messages.js';
import type { Lease } from '../transport/connection-pool.js';
import type { SendSession } from './send-session.js';

/** A session that a sender keeps between two transfers. Whatever happens to it then ends it: nothing would be lost. */
export class IdleSendSession {
  readonly opened: SendSession;
  /** Whether the peer was among those that are known when it was used last. */
  wasKnown = false;
  #isResting = false;
  #pings = 0;
  #answer: (() => void) | undefined;

  constructor(opened: SendSession) {
    this.opened = opened;
  }

  /** A transfer has ended in order, and nobody uses the session until `wake`. */
  rest(lease: Pick<Lease<unknown>, 'gone' | 'doubt'>): void {
    const { opened } = this;
    const { session, lanes } = opened;
    this.#isResting = true;
    lanes.rest();
    lanes.onSuspect = (lane, isSuspect) => {
      session.handleSuspect(lane, isSuspect);
      lease.doubt();
    };
    // Nothing is under way that would be worth another connection.
    opened.events = {
      onLane: () => undefined,
      onDecision: () => undefined,
      onStored: () => undefined,
      onNote: () => undefined,
      onDetached: () => session.abort(lost()),
    };
    session.attach({
      onControl: (body) => this.#handleControl(body),
      onContent: (content) => {
        content.release();
        session.abort(new XferError('ERR_XFER_PROTOCOL', 'the receiver sent content'));
      },
      onRoom: () => undefined,
      onLane: (_, state) => (state === 'down' ? lease.doubt() : undefined),
      onEnd: () => (this.#isResting ? lease.gone() : undefined),
    });
  }

  wake(): void {
    this.#isResting = false;
  }

  /** A round trip to the receiver. Does not settle where there is no answer, and where there is another one than expected. */
  async isThere(): Promise<boolean> {
    const { session } = this.opened;
    if (!session.isUsable) return false;
    const answered = new Promise<void>((resolve) => (this.#answer = resolve));
    session.sendControl(encodeTransferMessage({ type: 'ping', number: ++this.#pings }));
    await answered;
    return session.isUsable;
  }

  #handleControl(body: Uint8Array): void {
    const message = decodeTransferMessage(body);
    if (message.type === 'pong' && message.number === this.#pings) return this.#answer?.();
    // It ends, or breaks the protocol.
    this.opened.session.abort(lost());
  }
}

const lost = () => new XferError('ERR_XFER_CONNECTION_LOST', 'the receiver left between two transfers');
