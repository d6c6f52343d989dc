import { describe, onTestFinished } from 'vitest';
import { loadUdpAddon } from '../../src/native/udp-addon.js';
import { packetField, packetKind, runField } from '../../src/native/udp-api.js';
import type {
  BatchSocket,
  BatchSocketOptions,
  PacketSocket,
  SocketAddress,
  UdpApi,
} from '../../src/native/udp-api.js';
import { udpTwin } from '../../src/native/udp-twin.js';
import { nativeUdp } from '../../src/native/udp.js';

export type Udp = Omit<UdpApi, 'detail'>;

export const udpTwinApi: Udp = udpTwin();

/** The addon, where it was built; otherwise every suite that needs it says that it did not run. */
export const udpAddon: Udp | undefined = load();

export function describeUdpAddon(title: string, suite: (api: Udp) => void): void {
  describe.runIf(udpAddon)(title, () => suite(udpAddon ?? udpTwinApi));
}

export function describeUdp(title: string, suite: (api: Udp) => void): void {
  describe(`${title} (twin)`, () => suite(udpTwinApi));
  describeUdpAddon(`${title} (addon)`, suite);
}

export const loopback = { host: '127.0.0.1', port: 0 };

export async function batchSocket(api: Udp, options: Partial<BatchSocketOptions> = {}): Promise<BatchSocket> {
  const socket = await api.batchSocket({ ...loopback, ...options });
  onTestFinished(() => socket.close());
  return socket;
}

export async function packetSocket(
  api: Udp,
  options: Partial<BatchSocketOptions> = {},
): Promise<PacketSocket> {
  const socket = await api.packetSocket({ ...loopback, ...options });
  onTestFinished(() => socket.close());
  return socket;
}

export const bytesOf = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** Content that differs at every place. */
export const patternOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff);

/** The ends of one connection; of several between the same sockets each has its own `seed`. */
export function connect(
  one: PacketSocket,
  other: PacketSocket,
  seed = 1,
  hosts = { one: '127.0.0.1', other: '127.0.0.1' },
): { near: number; far: number } {
  const ids = { localId: bytesOf(8, 2 * seed), remoteId: bytesOf(8, 2 * seed + 1) };
  const keys = { sendKey: bytesOf(16, seed), receiveKey: bytesOf(16, 100 + seed) };
  const near = one.addConnection({
    ...ids,
    ...keys,
    remote: { host: hosts.other, port: other.address.port },
  });
  const far = other.addConnection({
    ...{ localId: ids.remoteId, remoteId: ids.localId },
    ...{ sendKey: keys.receiveKey, receiveKey: keys.sendKey },
    remote: { host: hosts.one, port: one.address.port },
  });
  return { near, far };
}

export interface RunToSend {
  readonly connection: number;
  readonly path?: number;
  readonly number: number;
  readonly packets: number;
  readonly stream?: number;
  readonly offset?: number;
  readonly fin?: boolean;
  readonly packetBytes: number;
  readonly pieces: readonly Uint8Array[];
}

export function sendRuns(socket: PacketSocket, runs: readonly RunToSend[]): number {
  const fields = new Float64Array(runs.length * runField.size);
  runs.forEach((run, index) => {
    const { connection, path = 0, number, packets, stream = 4, offset = 0, fin = false } = run;
    const bytes = run.pieces.reduce((sum, { length }) => sum + length, 0);
    fields.set(
      [
        connection,
        path,
        number,
        packets,
        stream,
        offset,
        Number(fin),
        run.packetBytes,
        bytes,
        run.pieces.length,
      ],
      index * runField.size,
    );
  });
  return socket.sendRuns(
    runs.length,
    fields,
    runs.flatMap(({ pieces }) => pieces),
  );
}

export interface ReceivedRun {
  readonly kind: number;
  readonly connection: number;
  readonly number: number;
  readonly packets: number;
  readonly stream: number;
  readonly offset: number;
  readonly fin: number;
  readonly marked: number;
  readonly path: number;
  readonly bytes: Uint8Array;
  readonly source: SocketAddress | undefined;
}

/** Collects what a socket receives. `until` settles when the condition holds, checked at each batch. */
export function collect(socket: PacketSocket): {
  runs: ReceivedRun[];
  batches: () => number;
  until: (condition: (runs: readonly ReceivedRun[]) => boolean) => Promise<void>;
} {
  const runs: ReceivedRun[] = [];
  const waiting = new Set<() => void>();
  let batches = 0;
  socket.onPackets(({ runs: count, fields, slab, sourceOf }) => {
    batches++;
    for (let run = 0; run < count; run++) {
      const of = (name: Exclude<keyof typeof packetField, 'size'>): number =>
        fields[run * packetField.size + packetField[name]]!;
      runs.push({
        ...{ kind: of('kind'), connection: of('connection'), number: of('number'), packets: of('packets') },
        ...{
          stream: of('stream'),
          offset: of('offset'),
          fin: of('fin'),
          marked: of('marked'),
          path: of('path'),
        },
        bytes: slab.slice(of('at'), of('at') + of('bytes')),
        source: of('kind') === packetKind.stray ? sourceOf(run) : undefined,
      });
    }
    for (const look of waiting) look();
  });
  const until = (condition: (runs: readonly ReceivedRun[]) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition(runs)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { runs, batches: () => batches, until };
}

/** Settles once the condition holds, looked at in every turn of the loop. */
export async function turnsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function load(): Udp | undefined {
  try {
    return nativeUdp(loadUdpAddon());
  } catch (error) {
    process.stderr.write(
      `NOT TESTED: the native udp addon does not load, its tests are skipped: ${String(error)}\n`,
    );
    return undefined;
  }
}
