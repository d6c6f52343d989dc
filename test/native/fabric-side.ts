import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, onTestFinished } from 'vitest';
import { fabricEvent } from '../../src/native/fabric-api.js';
import type {
  FabricApi,
  FabricEndpoint,
  FabricEndpointOptions,
  FabricPeer,
} from '../../src/native/fabric-api.js';
import { fabricApi } from '../../src/native/fabric.js';

/** Those that any machine has; what else there is belongs to hardware. */
const wanted = ['tcp;ofi_rxm', 'shm'];

export const fabric: FabricApi | undefined = find();
const offered = new Set((await fabric?.providers())?.map(({ provider }) => provider));

function find(): FabricApi | undefined {
  const finding = fabricApi();
  if (finding.ok) return finding.api;
  process.stderr.write(`NOT TESTED: fabrics: ${finding.reason}; to have them: ${finding.remedy}\n`);
  return undefined;
}

/** Once for each provider; one that this libfabric lacks says that it did not run. */
export function describeFabric(title: string, suite: (api: FabricApi, provider: string) => void): void {
  for (const provider of fabric ? wanted : []) {
    if (!offered.has(provider))
      process.stderr.write(`NOT TESTED: ${title}: libfabric has no ${provider} here\n`);
    describe.runIf(offered.has(provider))(`${title} over ${provider}`, () =>
      suite(fabric as FabricApi, provider),
    );
  }
}

export const sizes = { smallBytes: 4096, largeBytes: (1 << 20) + 4096, smallCount: 64, largeCount: 16 };

export interface Message {
  readonly isLarge: boolean;
  readonly block: number;
  /** Where it lies, until the handler returns or it is released. */
  readonly view: Uint8Array;
}

/** An endpoint with what has come to it. It is closed when the test ends. */
export class FabricSide {
  /** Copies, without the head. */
  readonly received: Uint8Array[] = [];
  readonly sent: number[] = [];
  failures = 0;
  onMessage: (message: Message) => void = () => undefined;
  readonly #waiting = new Set<() => void>();
  #endpoint: FabricEndpoint | undefined;
  #token = 0;

  static async open(
    api: FabricApi,
    options: Partial<FabricEndpointOptions> & { provider: string },
  ): Promise<FabricSide> {
    const side = new FabricSide();
    const onEvents = side.#events.bind(side);
    side.#endpoint = await api.open({ ...sizes, ...options, onEvents });
    onTestFinished(() => side.endpoint.close());
    return side;
  }

  get endpoint(): FabricEndpoint {
    if (!this.#endpoint) throw new Error('not open');
    return this.#endpoint;
  }

  get offer(): FabricPeer {
    const { address, tag } = this.endpoint;
    return { ...sizes, address, tag };
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Waits for room. Its token. */
  async send(chunks: readonly Uint8Array[], head: Uint8Array = new Uint8Array(24)): Promise<number> {
    const bytes = chunks.reduce((sum, { length }) => sum + length, head.length);
    await this.until(() => this.#roomFor(bytes) > 0);
    return this.sendNow(chunks, head);
  }

  sendNow(chunks: readonly Uint8Array[], head: Uint8Array = new Uint8Array(24)): number {
    const token = this.#token++;
    this.endpoint.send(token, head, chunks);
    return token;
  }

  #roomFor(bytes: number): number {
    const { smallRoomBytes, smallRoom, largeRoom } = this.endpoint;
    return bytes <= smallRoomBytes ? smallRoom : largeRoom;
  }

  #events(events: Float64Array, count: number): void {
    for (let at = 0; at < 4 * count; at += 4) {
      const [kind = 0, id = 0, offset = 0, bytes = 0] = events.subarray(at, at + 4);
      if (kind === fabricEvent.sent) this.sent.push(id);
      if (kind === fabricEvent.failed) this.failures++;
      const isLarge = kind === fabricEvent.large;
      if (!isLarge && kind !== fabricEvent.small) continue;
      const memory = isLarge ? this.endpoint.largeMemory : this.endpoint.smallMemory;
      const view = new Uint8Array(memory, offset, bytes);
      this.onMessage({ isLarge, block: id, view });
      this.received.push(view.slice(24));
    }
    for (const look of this.#waiting) look();
  }
}

/** Two endpoints in this process, joined. */
export async function pair(
  api: FabricApi,
  provider: string,
  one: Partial<FabricEndpointOptions> = {},
): Promise<[FabricSide, FabricSide]> {
  const near = await FabricSide.open(api, { provider, ...one });
  const far = await FabricSide.open(api, { provider });
  await Promise.all([near.endpoint.connect(far.offer), far.endpoint.connect(near.offer)]);
  return [near, far];
}

/** An endpoint here, joined to one of a process that does what `role` says in fixtures/fabric-peer.mjs. */
export async function pairOfProcesses(
  api: FabricApi,
  provider: string,
  role: 'echo' | 'sink' | 'source',
): Promise<{ side: FabricSide; child: ChildProcess }> {
  const script = fileURLToPath(new URL('fixtures/fabric-peer.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, provider, role], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hear = async (): Promise<unknown> => JSON.parse(((await lines.next()) as { value: string }).value);
  const side = await FabricSide.open(api, { provider });
  const offer = (await hear()) as Omit<FabricPeer, 'address' | 'tag'> & { address: number[]; tag: string };
  child.stdin.write(
    `${JSON.stringify({ ...side.offer, address: [...side.offer.address], tag: String(side.offer.tag) })}\n`,
  );
  await side.endpoint.connect({
    ...offer,
    address: Uint8Array.from(offer.address),
    tag: BigInt(offer.tag),
  });
  await hear();
  return { side, child };
}

/** Content that differs at every place and with `seed`. */
export const patternOf = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff);
