import { join } from 'node:path';
import type { XferEvent } from '../../../src/app/events.js';
import type { ReceiverContext } from '../../../src/app/file-sessions.js';
import { IdleSessions } from '../../../src/app/idle-sessions.js';
import { LaneConnections } from '../../../src/app/lane-connections.js';
import { ReceiveSeries } from '../../../src/app/receive-series.js';
import { RunningTransfers } from '../../../src/app/running-transfers.js';
import type { Pinned } from '../../../src/app/session-handler.js';
import type { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { PeerStore } from '../../../src/session/peer-store.js';
import type { Session, SessionHandlers } from '../../../src/session/session.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  type TransferMessage,
} from '../../../src/transfer/messages.js';
import type { Connection } from '../../../src/transport/contract.js';
import { temporaryDirectory } from '../../support/run-xfer.js';

/** A series whose session is none: the test says what the sender would, and hears what it would hear. */
export class ReceiveSeriesKit {
  readonly events: XferEvent[] = [];
  readonly said: TransferMessage[] = [];
  readonly stop = new AbortController();
  readonly peers: PeerStore;
  /** Lanes that there are, and that there ever were. */
  lanes = [0];
  laneCount = 1;
  /** As what this receiver knows the sender, by what it has read. */
  pinned: Pinned | undefined;
  /** Reads again who is known. */
  isKnown: () => Promise<boolean> = () => Promise.resolve(true);
  readonly out: string;
  #handlers: SessionHandlers | undefined;
  #begun = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(home: string, out: string) {
    this.peers = new PeerStore(home);
    this.out = out;
  }

  static async make(): Promise<ReceiveSeriesKit> {
    return new ReceiveSeriesKit(join(await temporaryDirectory(), 'home'), await temporaryDirectory());
  }

  async series(options: { readonly paired?: boolean } = {}): Promise<ReceiveSeries> {
    const native = nativeApi();
    const transfers = new RunningTransfers();
    const session = this.#session();
    const onEvent = (event: XferEvent) => this.events.push(event);
    // Whatever else there is in a receiver is not asked for.
    const context = {
      isUnnamed: true,
      ...{ native, transfers, peers: this.peers, root: await native.files.openRoot(this.out) },
      idle: new IdleSessions({ most: 4, mostOfPeer: 4, idleMs: 60_000, closeMs: 5_000 }),
      options: { onEvent, remember: true },
    } as unknown as ReceiverContext;
    const remote = { scheme: 'tcp', host: '127.0.0.1', port: 4840 };
    return new ReceiveSeries({
      context,
      connection: { remote } as Connection,
      running: transfers.begin(session, new LaneConnections(), this.stop),
      ...{ paired: options.paired ?? false, isTrusted: true, goesOn: true },
      isKnown: () => this.isKnown(),
      pinned: () => this.pinned,
    });
  }

  /** The sender begins a transfer of nothing at all. */
  begin(): void {
    this.#say({
      type: 'begin',
      key: new Uint8Array(16).fill(++this.#begun),
      resume: false,
      update: 0,
      remove: false,
    });
  }

  /** It has sent everything; resolves when it knows of the commit. */
  async end(): Promise<void> {
    const count = this.#committed;
    this.#say({ type: 'end', entries: 0, files: 0, bytes: 0, records: 0, remove: false });
    await this.until(() => this.#committed > count);
  }

  /** It says that it knows: another transfer may begin. */
  acknowledge(): void {
    this.#handlers?.onAcknowledged?.();
  }

  /** A file by itself; resolves when it is answered. */
  async parcel(path: string, content: string): Promise<boolean> {
    const count = this.said.length;
    const plain = { mode: 0o600, mtimeSeconds: 0, mtimeNanoseconds: 0, target: '', token: new Uint8Array() };
    const entry = { id: 0, kind: entryKind.file, path, size: content.length, ...plain };
    this.#say({ type: 'parcel', entry, content: Buffer.from(content) });
    await this.until(() => this.said.length > count);
    const answer = this.said.at(-1);
    if (answer?.type !== 'parcelled') throw new Error(`it says ${answer?.type}`);
    return answer.isTaken;
  }

  lose(error?: XferError): void {
    this.#handlers?.onEnd(error);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  get #committed(): number {
    return this.said.filter(({ type }) => type === 'committed').length;
  }

  #say(message: TransferMessage): void {
    this.#handlers?.onControl(encodeTransferMessage(message));
  }

  #session(): Session {
    const session = {
      peerKey: new Uint8Array(32).fill(7),
      fabric: { isSealed: () => true, hasCarriedPlain: false, whySealed: undefined },
      hello: { role: 'send', name: 'ann', remember: true, capabilities: [], listens: [] },
      group: { hasJoined: false, close: () => undefined },
      attach: (handlers: SessionHandlers) => (this.#handlers = handlers),
      sendControl: (body: Uint8Array) => {
        this.said.push(decodeTransferMessage(body));
        for (const resolve of this.#waiting.splice(0)) resolve();
      },
      confirm: () => undefined,
      finish: () => undefined,
      abort: (error: XferError) => this.lose(error),
    };
    const of = { lanes: () => this.lanes, laneCount: () => this.laneCount };
    Object.defineProperties(session, { lanes: { get: of.lanes }, laneCount: { get: of.laneCount } });
    return session as unknown as Session;
  }
}
