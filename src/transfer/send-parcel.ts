import { asXferError, XferError } from '../errors/index.js';
import type { Session } from '../session/session.js';
import { abortError, abortMessage } from './abort-message.js';
import {
  decodeTransferMessage,
  encodeParcel,
  encodeTransferMessage,
  type Parcel,
  type TransferMessage,
} from './messages.js';

export interface ParcelToSend extends Parcel {
  /** Called once at most, when nothing reads the memory that it stands in any more. */
  handBack?(): void;
}

/**
 * Sends a parcel on a session that waits for another transfer. Resolves with whether it was taken: where it was not, it may go as a
 * transfer, and nothing has happened. Rejects with an XferError, and the session is of no more use then.
 */
export async function sendParcel(
  session: Session,
  parcel: ParcelToSend,
  signal: AbortSignal,
): Promise<boolean> {
  const say = (message: TransferMessage) => session.sendControl(encodeTransferMessage(message));
  let interrupt: () => void = () => undefined;
  try {
    const isTaken = await new Promise<boolean>((resolve, reject) => {
      /** Tells the receiver. */
      const abort = (error: XferError) => {
        say(abortMessage(error));
        reject(error);
      };
      interrupt = () => abort(asXferError(signal.reason));
      signal.addEventListener('abort', interrupt, { once: true });
      session.attach({
        onControl: (body) => {
          try {
            const message = decodeTransferMessage(body);
            if (message.type === 'parcelled') resolve(message.isTaken);
            else if (message.type === 'abort') reject(abortError('receiver', message));
            else abort(violation(`it says ${message.type}`));
          } catch (error) {
            abort(asXferError(error));
          }
        },
        onContent: (content) => {
          content.release();
          abort(violation('it sent content'));
        },
        onRoom: () => undefined,
        onEnd: (error) =>
          reject(
            error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the receiver left before it had answered'),
          ),
      });
      if (signal.aborted) return interrupt();
      session.sendControl(encodeParcel(parcel));
    });
    // What is not acknowledged is said again from there when its lane is lost.
    if (session.isAcknowledged) parcel.handBack?.();
    return isTaken;
  } catch (error) {
    session.finish();
    throw error;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

const violation = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the receiver breaks the protocol: ${what}`);
