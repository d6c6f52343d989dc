import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { chosen } from '../support/campaign.js';
import { runXferAt } from '../support/link-emulator.js';
import { netLab, whyNoLab, type Block, type NetLab } from '../support/net-lab.js';
import { temporaryDirectory, type XferRun } from '../support/run-xfer.js';

/** Ten seconds at the link's rate, which leaves two cores time for both ends. */
const content = randomBytes(125e6);
const rateBitsPerSecond = 100e6;
/** Two seconds are what a cut may cost, and `progress`, which comes four times a second, may tell of it so much later. */
const longestStillMs = 2000 + 250;
/** A receiver that serves one ends with its sender, whatever lanes died unheard; two cores may be busy with others. */
const longestEndMs = 3_000;
const timeoutMs = 75_000;

/** What each transport is on the wire, at the ports where a receiver listens without being told. */
const carriers = {
  tcp: { protocol: 'tcp', port: 4840 },
  udp: { protocol: 'udp', port: 4840 },
  quic: { protocol: 'udp', port: 4841 },
} as const satisfies Record<string, Block>;
type Carrier = keyof typeof carriers;
const names = Object.keys(carriers) as Carrier[];
const protocolNumbers = { tcp: 6, udp: 17 } as const;

const title = 'a transfer whose transport is cut';

describe.skipIf(whyNoLab !== undefined)(whyNoLab ? `${title} (skipped: ${whyNoLab})` : title, () => {
  it.for(chosen<Carrier>(names, ['udp']))(
    'goes on by another when %s, the only one at first, is dropped in the middle',
    { timeout: 90_000 },
    async (name, { skip }) => {
      const lab = await netLab({ rateBitsPerSecond, delayMs: 5 });
      await lab.block(...names.filter((one) => one !== name).map((one) => carriers[one]));
      const transfer = await begin(lab, { needs: name, skip });
      await transfer.until(0.1);
      expect(await transfer.carrier()).toBe(name);
      await lab.block();
      await transfer.until(0.4);
      await lab.block(carriers[name]);
      await transfer.until(0.5);
      expect(await transfer.carrier()).not.toBe(name);
      await transfer.expectUnbroken();
      await lab.close();
    },
  );

  it(
    'goes on by another each time that the one which carries most is dropped',
    { timeout: 90_000 },
    async () => {
      const lab = await netLab({ rateBitsPerSecond, delayMs: 5 });
      const transfer = await begin(lab);
      const cut = [];
      for (const share of [0.25, 0.6]) {
        await transfer.until(share);
        const name = await transfer.carrier();
        cut.push(name);
        await lab.block(carriers[name]);
        await transfer.until(share + 0.1);
        expect(await transfer.carrier(), `after ${cut.join(', ')}`).not.toBe(name);
        await lab.block();
      }
      await transfer.expectUnbroken();
      await lab.close();
    },
  );

  it.for(chosen([50, 250, 600], [250]))(
    'goes on when what is tried beside the first is dropped %i ms after it came up',
    { timeout: 90_000 },
    async (afterMs) => {
      const lab = await netLab({ rateBitsPerSecond, delayMs: 5 });
      const transfer = await begin(lab);
      const tried = await transfer.another();
      // It is given content from the first moment on, and judged after about 700 ms: acknowledgements go on it until then.
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await lab.block(carriers[tried]);
      await transfer.expectUnbroken();
      await lab.close();
    },
  );
});

interface BeginOptions {
  /** Without which there is nothing to see. */
  readonly needs?: Carrier;
  readonly skip?: TestContext['skip'];
}

/** A transfer between two machines by whatever transport xfer takes; its receiver listens as it does without being told. */
async function begin(lab: NetLab, { needs, skip }: BeginOptions = {}): Promise<TimedTransfer> {
  const directory = await temporaryDirectory();
  const [path, out] = [join(directory, 'file'), join(directory, 'out')];
  await Promise.all([writeFile(path, content), mkdir(out)]);
  const recv = await runXferAt(lab.server, ['recv', out, '--once', '--json'], { timeoutMs });
  const { addresses, code } = await recv.event('listening');
  if (needs && !addresses.some((url) => url.startsWith(`${needs}:`))) skip?.(`nothing listens by ${needs}`);
  const env = { XFER_CODE: code };
  const send = await runXferAt(lab.client, ['send', path, lab.server.address, '--json', '--explain'], {
    env,
    timeoutMs,
  });
  return new TimedTransfer(lab, send, recv, join(out, 'file'));
}

/** What the receiver has, as the sender tells of it, and when it told. */
class TimedTransfer {
  readonly #lab: NetLab;
  readonly #send: XferRun;
  readonly #recv: XferRun;
  readonly #arrived: string;
  /** Of each time that there was more. */
  readonly #steps: { readonly atMs: number; readonly bytes: number }[] = [];
  readonly #watching: Promise<void>;

  constructor(lab: NetLab, send: XferRun, recv: XferRun, arrived: string) {
    this.#lab = lab;
    this.#send = send;
    this.#recv = recv;
    this.#arrived = arrived;
    this.#watching = this.#watch();
  }

  /** Until the receiver has so much of all. */
  async until(share: number): Promise<void> {
    const wanted = share * content.length;
    await this.#send.until(({ events }) =>
      events.some((one) => one.event === 'progress' && one.bytes >= wanted),
    );
  }

  /** The first transport that has a lane beside the one that it began with. */
  async another(): Promise<Carrier> {
    const { transport: first } = await this.#send.event('connected');
    for (let from = 0; ; from++) {
      const { transport, state } = await this.#send.event('lane', from);
      from = this.#send.events.findIndex((one, i) => i >= from && one.event === 'lane');
      if (state === 'up' && transport !== first) return transport as Carrier;
    }
  }

  /** By which transport most goes to the server, in the next 300 ms. */
  async carrier(): Promise<Carrier> {
    const before = await this.#bytesByCarrier();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await this.#bytesByCarrier();
    const grown = names.map((name) => after[name] - before[name]);
    return names[grown.indexOf(Math.max(...grown))]!;
  }

  /** Both sides have ended well, the content is the same, and it never stood still for long. */
  async expectUnbroken(): Promise<void> {
    const sent = await this.#send.ended;
    const sentAtMs = performance.now();
    const received = await this.#recv.ended;
    const receiverEndedMs = performance.now() - sentAtMs;
    await this.#watching;
    const steps = this.#steps.map(({ atMs, bytes }) => [Math.round(atMs - this.#steps[0]!.atMs), bytes]);
    const story = `${JSON.stringify(steps)}\n${sent.stdout}${sent.stderr}${received.stdout}${received.stderr}`;
    expect([sent.status, received.status], story).toEqual([0, 0]);
    const stillMs = this.#steps.slice(1).map(({ atMs }, i) => atMs - this.#steps[i]!.atMs);
    expect(Math.max(...stillMs), story).toBeLessThanOrEqual(longestStillMs);
    expect(receiverEndedMs, story).toBeLessThanOrEqual(longestEndMs);
    expect(content.equals(await readFile(this.#arrived))).toBe(true);
  }

  get #bytes(): number {
    return this.#steps.at(-1)?.bytes ?? 0;
  }

  /** From `connected` on; the end is a step, too. */
  async #watch(): Promise<void> {
    for await (const event of this.#send) {
      const atMs = performance.now();
      if (event.event === 'connected') this.#steps.push({ atMs, bytes: 0 });
      if (event.event === 'progress' && event.bytes > this.#bytes)
        this.#steps.push({ atMs, bytes: event.bytes });
      if (event.event === 'done') this.#steps.push({ atMs, bytes: event.bytes });
    }
  }

  async #bytesByCarrier(): Promise<Record<Carrier, number>> {
    const { flows } = (await this.#lab.statistics()).toServer;
    const bytesOf = ({ protocol, port }: Block & { protocol: 'tcp' | 'udp' }) =>
      flows.find((flow) => flow.protocol === protocolNumbers[protocol] && flow.port === port)?.bytes ?? 0;
    return { tcp: bytesOf(carriers.tcp), udp: bytesOf(carriers.udp), quic: bytesOf(carriers.quic) };
  }
}
