import { dialOver, endpoint, startRelay, stopRelays } from './relays.mjs';
import { ratioOf, spread } from './stats.mjs';

const mib = 2 ** 20;

/**
 * Streams that go through one relay while the reader of another one has stopped, beside the same without it: on the same
 * connections, so that it could be in their way.
 */
export const relayStallRow = {
  name: 'relay-stall',
  title: 'eight streams through a relay, a ninth stands still',
  async measure(context) {
    const { runs, smoke } = context;
    const bytes = (smoke ? 16 : 256) * mib;
    const relay = await startRelay(context, { limitMs: 600_000 });
    const rates = { alone: [], beside: [] };
    for (let round = 0; round < runs; round++) {
      rates.alone.push(await rateOf(relay, bytes, false));
      rates.beside.push(await rateOf(relay, bytes, true));
    }
    await stopRelays([relay]);
    return [
      {
        ...{ unit: 'GB/s', ours: spread(rates.beside), peer: spread(rates.alone), peerName: 'without it' },
        ...{ ...ratioOf(rates.beside, rates.alone), goal: { atLeast: 0.95 } },
      },
    ];
  },
};

async function rateOf(relay, bytes, isStalled) {
  let left = 8;
  let finish;
  const over = new Promise((resolve) => (finish = resolve));
  const far = await endpoint((stream, header) => {
    if (header.length > 0) return stream.pause();
    stream.onData(() => undefined);
    stream.onEnd(() => --left === 0 && finish());
  });
  const connection = await dialOver([relay], far.url);
  if (isStalled) {
    const stuck = connection.openStream({ header: Buffer.from('stuck') });
    await stuck.opened;
    for (let i = 0; i < 16; i++) stuck.send(new Uint8Array(mib));
  }
  const began = performance.now();
  for (let i = 0; i < 8; i++) void feed(connection.openStream(), bytes / 8);
  await over;
  const seconds = (performance.now() - began) / 1000;
  connection.abort(new Error('done'));
  await far.close();
  return bytes / seconds / 1e9;
}

async function feed(stream, bytes) {
  const piece = new Uint8Array(mib);
  for (let sent = 0; sent < bytes; sent += piece.length)
    if (!stream.send(piece.subarray(0, Math.min(piece.length, bytes - sent)))) await stream.drained();
  stream.closeWrite();
}
