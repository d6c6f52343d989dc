// What the connection core of udp costs a run, in TypeScript alone: a sender's core and a receiver's back to back, no
// sockets, no keys, no copies; runs are batched as recvmmsg would, two a batch. Prints microseconds a run for each side
// and the share of one core that 50,000 runs a second would take. LOSS=0.01 loses that share of the packets, within runs.
// `npm run build` first; then `node test/bench/row-udp-core.mjs`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { ConnectionCore, udpConfig } = await bundledCore();

const runs = Number(process.env.RUNS ?? 300_000);
const loss = Number(process.env.LOSS ?? 0);
const rounds = 5;
const datagramBytes = 1472;
const content = new Uint8Array(65_536);
/** Views are made once: making them is the socket's cost. */
const views = new Map();
const view = (bytes) => views.get(bytes) ?? views.set(bytes, content.subarray(0, bytes)).get(bytes);
let seed = 1;
const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;

const controller = () => ({
  name: 'fixed window',
  windowBytes: 16 * 1024 * 1024,
  pacingRate: 5e9,
  handleSent() {},
  handleAck() {},
  handleLoss() {},
  handlePersistentCongestion() {},
  handleSpuriousLoss() {},
  handleDatagramBytes() {},
  describe: () => ({}),
});

function user({ sends }) {
  let offset = 0;
  return {
    received: 0,
    handleControl() {},
    handleContent(_stream, bytes) {
      this.received += bytes.length;
    },
    limitOf: () => Infinity,
    pullControl: () => undefined,
    pullContent(most) {
      if (!sends) return undefined;
      const pulled = {
        streamId: 1,
        offset,
        bytes: most,
        chunks: [view(most)],
        fin: false,
        done,
      };
      offset += most;
      return pulled;
    },
    handleEnd(end) {
      throw new Error(JSON.stringify(end));
    },
    handlePath() {},
  };
}
const done = () => {};

function coreOf(its) {
  const config = udpConfig({ pinnedDatagramBytes: datagramBytes });
  return new ConnectionCore({
    config,
    now: 0,
    randomBytes: (into) => into.fill(7),
    random,
    controller,
    path: 0,
    peer: { maxDatagramBytes: 65_507, receiveBufferBytes: 16e6, creditBytes: 64 * 1024 * 1024 },
    rttMs: 0.1,
    controlSentBytes: 0,
    controlReceivedBytes: 0,
    user: its,
  });
}

/** Hands the packets of a run over, without those that are lost. */
function deliver(receiver, now, run) {
  const part = (first, last) =>
    receiver.handleRun(now, {
      streamId: run.streamId,
      marked: 0,
      path: 0,
      number: run.number + first,
      packets: last - first,
      offset: run.offset + first * run.packetBytes,
      fin: run.fin && last === run.packets,
      bytes: view(Math.min(run.bytes, last * run.packetBytes) - first * run.packetBytes),
    });
  let first = 0;
  if (loss > 0)
    for (let at = 0; at < run.packets; at++)
      if (random() < loss) {
        if (at > first) part(first, at);
        first = at + 1;
      }
  if (run.packets > first) part(first, run.packets);
}

function once() {
  const [sends, receives] = [user({ sends: true }), user({ sends: false })];
  const [sender, receiver] = [coreOf(sends), coreOf(receives)];
  const [sending, receiving] = [[], []];
  let [sent, packets, now, sendMs, receiveMs] = [0, 0, 0, 0, 0];
  const from = performance.now();
  while (sent < runs) {
    now += 0.04;
    const t0 = performance.now();
    while (sending.length < 2) {
      const transmit = sender.poll(now);
      if (transmit === undefined) break;
      sending.push(transmit);
    }
    sender.nextTimeout;
    const t1 = performance.now();
    for (const transmit of sending)
      if (transmit.kind === 'run') {
        deliver(receiver, now, transmit);
        sent += 1;
        packets += transmit.packets;
      } else
        receiver.handlePacket(now, {
          number: transmit.number,
          frames: transmit.frames,
          marked: 0,
          path: 0,
          datagramBytes: 100,
        });
    sending.length = 0;
    receiver.handleBatchEnd(now);
    for (let back = receiver.poll(now); back !== undefined; back = receiver.poll(now)) receiving.push(back);
    receiver.nextTimeout;
    const t2 = performance.now();
    for (const { number, frames } of receiving)
      sender.handlePacket(now, { number, frames, marked: 0, path: 0, datagramBytes: 100 });
    receiving.length = 0;
    sender.handleBatchEnd(now);
    if (sender.nextTimeout <= now) sender.handleTimeout(now);
    const t3 = performance.now();
    sendMs += t1 - t0 + t3 - t2;
    receiveMs += t2 - t1;
  }
  return { sent, packets, sendMs, receiveMs, lost: sender.stats().packetsLost, ms: performance.now() - from };
}

/** The core is no export of the plugin: bundled alone, from its sources. */
async function bundledCore() {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-bench-'));
  const outfile = join(directory, 'core.mjs');
  const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  try {
    await build({
      stdin: {
        contents: `export * from './core/connection-core.js'; export { udpConfig } from './config.js';`,
        resolveDir: at('plugins/udp/src'),
      },
      plugins: [
        {
          name: 'built plugin interface',
          setup: ({ onResolve }) =>
            onResolve({ filter: /^xfer\/plugin$/ }, () => ({
              path: import.meta.resolve('xfer/plugin'),
              external: true,
            })),
        },
      ],
      ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20', outfile },
    });
    return await import(outfile);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const results = Array.from({ length: rounds }, once).slice(1);
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const perRun = (key) => median(results.map((result) => (result[key] / result.sent) * 1000));
const [send, receive] = [perRun('sendMs'), perRun('receiveMs')];
const { sent, packets, lost } = results[0];
console.log(
  `node ${process.version}, ${sent} runs of ${(packets / sent).toFixed(1)} packets, ${lost} lost, ${results.length} rounds`,
);
console.log(
  `sender   ${send.toFixed(2)} us a run: ${((send * 50_000) / 1e4).toFixed(1)} % of a core at 50,000 runs a second`,
);
console.log(`receiver ${receive.toFixed(2)} us a run: ${((receive * 50_000) / 1e4).toFixed(1)} %`);
