import type { ConnectionCoreOptions, CoreUser, ReceivedRun } from './contract.js';
import { maxHeldControlBytes } from './control-sender.js';
import { Reassembly } from './reassembly.js';
import { ReceiveStreams, type Receipt } from './receive-streams.js';

type ReceivingUser = Pick<CoreUser, 'limitOf' | 'handleContent' | 'handleControl'>;

/** The receiving side: content and control, put in order and given out. */
export class Receiver {
  readonly #user: ReceivingUser;
  readonly #control: Reassembly;
  readonly streams: ReceiveStreams;
  #bytes = 0;

  constructor({ config, controlReceivedBytes }: ConnectionCoreOptions, user: ReceivingUser) {
    this.#user = user;
    this.#control = new Reassembly(controlReceivedBytes);
    this.streams = new ReceiveStreams({
      creditBytes: config.creditBytes,
      earlyStreamBytes: config.earlyStreamBytes,
      maxEarlyStreams: config.maxEarlyStreams,
      limitOf: (streamId) => user.limitOf(streamId),
      handleContent: (streamId, bytes, fin) => user.handleContent(streamId, bytes, fin),
    });
  }

  /** Content that was received, what came twice included. */
  get bytes(): number {
    return this.#bytes;
  }

  get heldBytes(): number {
    return this.streams.heldBytes + this.#control.costBytes;
  }

  handleRun(run: ReceivedRun): Receipt {
    this.#bytes += run.bytes.length;
    return this.streams.handle(run.streamId, run.offset, run.bytes, run.fin);
  }

  handleControlData(offset: number, bytes: Uint8Array): Receipt {
    const control = this.#control;
    if (offset > control.next) {
      if (offset + bytes.length > control.next + maxHeldControlBytes)
        return { violation: 'more control than may be under way' };
      if (control.costBytes > 2 * maxHeldControlBytes) return 'dropped';
      control.hold(offset, bytes);
      return 'taken';
    }
    let part = control.pass(offset, bytes);
    while (part !== undefined) {
      this.#user.handleControl(part);
      part = control.take();
    }
    return 'taken';
  }
}
