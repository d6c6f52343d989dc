import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { builtEmulator } from './link-build.mjs';
import { LinkEnd } from './link-end.mjs';

export { linkMissing } from './link-build.mjs';

/** Where the queue is not given: what is under way in a round trip, and never less than some packets. */
const leastQueueBytes = 30_000;
/** No rate: nothing waits, so this only bounds what a change of the rate may find. */
const unlimitedQueueBytes = 2 ** 20;

/**
 * Two network namespaces of nobody else's, joined by a link that this process controls; what the options mean stands in
 * the types. Both are gone, with all that runs in them, at `close()` and when this process ends, however it ends.
 */
export async function openLink(options = {}) {
  const { mtu = 1500, seed = 1 } = options;
  const child = spawn(builtEmulator(), [mtu, seed].map(String), { stdio: ['pipe', 'pipe', 'pipe'] });
  const link = new Link(child, options);
  try {
    const { namespaces, realTime } = await link.nextAnswer();
    const [client, server] = namespaces.map(
      (fd, i) => new LinkEnd(`/proc/${child.pid}/fd/${fd}`, i + 1, mtu),
    );
    await Promise.all([client.setUp(), server.setUp()]);
    Object.assign(link, { client, server, realTime });
    await link.change({});
    await link.resetStatistics();
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

class Link {
  #child;
  #parameters;
  #answers = [];
  #waiting = [];
  #said = '';
  #ended;

  constructor(child, { toServer, toClient, ...both }) {
    this.#child = child;
    this.#parameters = [
      { ...both, ...toServer },
      { ...both, ...toClient },
    ];
    this.#ended = once(child, 'close').then(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#over());
    });
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#said += text));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const answer = JSON.parse(text);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#answers.push(answer);
      else waiting.resolve(answer);
    });
  }

  async change({ toServer, toClient, ...both }) {
    this.#parameters = [toServer, toClient].map((one, i) => ({ ...this.#parameters[i], ...both, ...one }));
    const roundTripMs = this.#parameters.reduce((sum, { delayMs = 0 }) => sum + delayMs, 0);
    for (const [i, parameters] of this.#parameters.entries())
      await this.#ask(`set ${i} ${words(parameters, roundTripMs)}`);
  }

  async statistics() {
    const { atMs, directions } = await this.#ask('stats');
    return { atMs, toServer: directions[0], toClient: directions[1] };
  }

  async resetStatistics() {
    await this.#ask('reset');
  }

  async close() {
    this.#child.stdin.end();
    await this.#ended;
  }

  /** The emulator's next line. */
  nextAnswer() {
    if (this.#answers.length > 0) return Promise.resolve(this.#answers.shift());
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.reject(this.#over());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async #ask(line) {
    this.#child.stdin.write(`${line}\n`);
    const answer = await this.nextAnswer();
    if (answer.error !== undefined) throw new Error(`${answer.error}: ${line}`);
    return answer;
  }

  #over() {
    return new Error(`the link emulator has ended: ${this.#said.trim() || 'without a word'}`);
  }
}

function words(parameters, roundTripMs) {
  const { rateBitsPerSecond: rate = 0, delayMs = 0, loss = 0, burst, jitterMs = 0 } = parameters;
  const bandwidthDelay = rate === 0 ? unlimitedQueueBytes : Math.round((rate / 8) * (roundTripMs / 1000));
  const { queueBytes = Math.max(leastQueueBytes, bandwidthDelay) } = parameters;
  const values = {
    ...{ rate, delay: Math.round(delayMs * 1e6), loss, queue: queueBytes },
    ...{ burstStart: burst?.startChance ?? 0, burstLength: burst?.meanPackets ?? 1 },
    ...{ jitter: Math.round(jitterMs * 1e6), reorder: Number(parameters.reordering ?? false) },
    ...{ down: Number(parameters.down ?? false), mtu: parameters.dropAboveBytes ?? 65_535 },
    mark: parameters.markBytes ?? 0,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
