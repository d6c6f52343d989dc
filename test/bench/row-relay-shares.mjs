import { Worker } from 'node:worker_threads';
import { tcp } from '../../plugins/mux/dist/index.js';
import { DialPolicy, parseDialRules, Relay, RelayGuard, TransportRegistry } from '../../dist/index.js';
import { endpoint } from './relays.mjs';
import { spread } from './stats.mjs';

const capacity = 40e6;
/** By the last number of the address that they come from: weights of known peers, then two strangers. */
const weights = [undefined, 1, 2, 4, 0, 0];
const strangersWeight = 1;

/**
 * Five greedy peers through one relay with a rate of its own: three of weights 1, 2 and 4 and two strangers, who have a
 * weight of 1 together. What each got is put beside its share.
 */
export const relaySharesRow = {
  name: 'relay-shares',
  title: 'greedy peers through a relay, off their shares by',
  async measure({ smoke }) {
    const seconds = smoke ? 2 : 8;
    const got = new Map();
    const far = await endpoint((stream, header) => {
      const peer = Number(Buffer.from(header).toString());
      stream.onData((bytes) => got.set(peer, (got.get(peer) ?? 0) + bytes.length));
    });
    const { port, close } = await relayWithWeights();
    const senders = [1, 2, 3, 4, 5].map(
      (peer) =>
        new Worker(new URL('greedy-sender.mjs', import.meta.url), {
          workerData: { peer, port, to: far.url },
        }),
    );
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const before = new Map(got);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const rates = [1, 2, 3, 4, 5].map((peer) => ((got.get(peer) ?? 0) - (before.get(peer) ?? 0)) / seconds);
    await Promise.all(senders.map((sender) => sender.terminate()));
    await close();
    await far.close();
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    const shares = [1, 2, 4, strangersWeight].map((weight) => weight / 8);
    const parts = [rates[0], rates[1], rates[2], rates[3] + rates[4]].map((rate) => rate / total);
    const off = parts.map((part, i) => Math.abs(part / shares[i] - 1));
    const percent = off.map((one) => 100 * one);
    return [
      {
        ...{
          part: `weights 1, 2, 4 and strangers 1, at ${Math.round(total / 1e6)} MB/s of ${capacity / 1e6}`,
        },
        ...{ unit: '%', ours: spread(percent), peer: spread([10]), peerName: 'allowed' },
        ...{ ratio: Math.max(...percent) / 10, goal: { atMost: 1 } },
      },
    ];
  },
};

async function relayWithWeights() {
  const transports = new TransportRegistry();
  transports.add(tcp(), 'bench');
  const policy = new DialPolicy({ rules: parseDialRules(['loopback']), loopbackOnly: true });
  const guard = new RelayGuard({ policy, shares: { capacityBytesPerSecond: capacity, strangersWeight } });
  const identify = ({ remote }) => {
    const weight = weights[Number(remote.host.split('.').at(-1))] ?? 0;
    const trust = weight > 0 ? 'trusted' : 'stranger';
    const key = weight > 0 ? Buffer.from(remote.host).toString('hex') : undefined;
    const peer = { key, name: remote.host, trust, weight };
    return { isBegun: false, known: Promise.resolve(peer), stranger: () => peer };
  };
  const relay = new Relay({ transports, guard, identify });
  const transport = await tcp().load();
  const listener = await transport.listen(
    { scheme: 'tcp', host: '127.0.0.1', port: 0 },
    {
      limits: guard.connectionLimits,
      onConnection: (connection, admission) => relay.handleConnection(connection, admission),
    },
  );
  return {
    port: listener.address.port,
    close: async () => {
      await listener.close();
      await relay.close();
    },
  };
}
