import { dialFuzz } from './fuzz-handshake.js';
import { FuzzPeer } from './fuzz-peer.js';
import { FuzzRandom } from './fuzz-random.js';
import type { FuzzReceiver } from './fuzz-receiver.js';
import { FuzzSession } from './fuzz-session.js';
import { fuzzSession } from './fuzz-sessions.js';
import { fuzzStranger } from './fuzz-strangers.js';
import { FuzzTally } from './fuzz-tally.js';

/** Sources at once: each has one connection, but now and then more than the receiver allows. */
const workers = 24;

/** Waves of frames and handshakes against one receiver, half from strangers, half within proven sessions. */
export class FuzzCampaign {
  readonly strangers = new FuzzTally();
  readonly sessions = new FuzzTally();
  /** How sessions ended that broke nothing; empty but for commits where the receiver is right. */
  readonly ends = new FuzzTally();
  readonly halfOpen = new FuzzTally();
  readonly #receiver: FuzzReceiver;
  readonly #sessionsByCode: boolean;
  readonly #randoms: readonly FuzzRandom[];

  constructor(receiver: FuzzReceiver, options: { readonly seed: number; readonly sessionsByCode: boolean }) {
    this.#receiver = receiver;
    this.#sessionsByCode = options.sessionsByCode;
    this.#randoms = Array.from({ length: workers }, (_, worker) => new FuzzRandom(options.seed + worker));
  }

  get total(): number {
    return this.strangers.total + this.sessions.total;
  }

  /** Goes on until `total` of each half have been sent since the beginning, and the receiver has let go of all. */
  async until(total: number): Promise<void> {
    const silent = this.#sessionsByCode ? [] : [this.#leaveHalfOpen()];
    await Promise.all([
      ...silent,
      ...this.#randoms.map((random, worker) => this.#work(random, worker, total / 2)),
    ]);
  }

  async #work(random: FuzzRandom, worker: number, half: number): Promise<void> {
    const { strangers, sessions, ends } = this;
    const shared = { target: this.#target(worker), random, ...this.#receiver };
    while (strangers.total < half || sessions.total < half)
      if (strangers.total < sessions.total) await fuzzStranger({ ...shared, tally: strangers });
      else await fuzzSession({ ...shared, tally: sessions, ends }, this.#sessionsByCode);
  }

  /** Some say nothing more, at every step up to an open session: the receiver has to end it. */
  async #leaveHalfOpen(): Promise<void> {
    const { known, coded } = this.#receiver;
    const kinds: readonly [string, number, (peer: FuzzPeer) => Promise<unknown>][] = [
      ['no hello', 8, () => Promise.resolve()],
      ['no stream', 8, (peer) => Promise.resolve(peer.begin('no stream'))],
      ['no handshake', 3, (peer) => Promise.resolve(peer.begin())],
      ['no proof of the code', 1, (peer) => (peer.begin(), dialFuzz(peer, coded, undefined, 1))],
      ['no identity', 3, (peer) => (peer.begin(), dialFuzz(peer, known, undefined, 2))],
      ['no message', 2, async (peer) => (peer.begin(), new FuzzSession(peer, await dialFuzz(peer, known)))],
      [
        'nothing behind hello',
        2,
        async (peer) => {
          peer.begin();
          const session = new FuzzSession(peer, await dialFuzz(peer, known));
          await peer.data(session.hello());
        },
      ],
    ];
    await Promise.all(
      kinds.flatMap(([kind, count, begin], at) =>
        Array.from({ length: count }, async () => {
          const peer = await FuzzPeer.open(this.#target(workers + at));
          await begin(peer);
          await peer.until(() => false);
          this.halfOpen.add(`half open: ${kind}`, peer.end ?? 'nothing');
          await peer.tearOff();
        }),
      ),
    );
  }

  /** Elsewhere than on Linux there is one loopback address. */
  #target(worker: number): { port: number; source: string | undefined } {
    const source = process.platform === 'linux' ? `127.0.1.${1 + worker}` : undefined;
    return { port: this.#receiver.port, source };
  }
}
