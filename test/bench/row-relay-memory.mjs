import { tcp } from '../../plugins/mux/dist/index.js';
import { DialPolicy, parseDialRules, Relay, RelayGuard, TransportRegistry } from '../../dist/index.js';
import { dialOver, endpoint } from './relays.mjs';
import { spread } from './stats.mjs';

const mib = 2 ** 20;
const hops = 3;
const streamBytes = 10 * mib;
/** What every stream begins with; a relay's windows grow as far as `relayDefaults.maxWindowBytes`. */
const windowBytes = 4 * mib;

/**
 * What all relays of a path hold of one stream of 10 MiB at once, whose reader takes 20 MB/s, beside relays that take the
 * whole message before they send it on. They run in this process, so that every byte that they hold can be counted.
 */
export const relayMemoryRow = {
  name: 'relay-memory',
  title: `10 MiB over ${hops} relays, held by all of them`,
  async measure({ runs }) {
    const held = { piped: [], whole: [] };
    for (let round = 0; round < Math.min(runs, 3); round++) {
      held.piped.push(await peakOf(pipedRelay));
      held.whole.push(await peakOf(wholeRelay));
    }
    const allowed = (hops * windowBytes) / 1e6;
    return [
      {
        ...{ part: 'piped', unit: 'MB', ours: spread(held.piped), peer: spread([allowed]) },
        ...{ peerName: '3 × window', ratio: Math.max(...held.piped) / allowed, goal: { atMost: 1 } },
      },
      {
        ...{ part: 'piped, beside whole messages', unit: 'MB', ours: spread(held.piped) },
        ...{ peer: spread(held.whole), peerName: 'whole messages' },
        ...{ ratio: spread(held.piped).median / spread(held.whole).median, goal: { atMost: 1 } },
      },
    ];
  },
};

/** The most that all relays held at any time, in MB. */
async function peakOf(makeRelay) {
  let arrived = 0;
  let finish;
  const over = new Promise((resolve) => (finish = resolve));
  const far = await endpoint((stream) => {
    stream.onEnd(finish);
    stream.onData((bytes) => {
      arrived += bytes.length;
      stream.pause();
      setTimeout(() => stream.resume(), bytes.length / 20_000);
    });
  });
  const relays = [];
  for (let hop = 0; hop < hops; hop++) relays.push(await makeRelay(relays, far));
  // What takes whole messages dials by itself; the others are told the way.
  const last = relays[0].isWhole ? relays.at(-1) : undefined;
  const connection = last ? await dialOver([], last.url) : await dialOver(relays, far.url);
  let peak = 0;
  const timer = setInterval(
    () =>
      (peak = Math.max(
        peak,
        relays.reduce((sum, { held }) => sum + held(), 0),
      )),
    1,
  );
  const stream = connection.openStream();
  stream.send(new Uint8Array(streamBytes));
  stream.closeWrite();
  await over;
  clearInterval(timer);
  connection.abort(new Error('done'));
  await Promise.all([...relays, far].map((one) => one.close()));
  if (arrived !== streamBytes) throw new Error(`${arrived} bytes arrived`);
  return peak / 1e6;
}

async function pipedRelay() {
  const transports = new TransportRegistry();
  transports.add(tcp(), 'bench');
  const guard = new RelayGuard({
    policy: new DialPolicy({ rules: parseDialRules(['loopback']), loopbackOnly: true }),
  });
  const stranger = { key: undefined, name: 'bench', trust: 'stranger', weight: 0 };
  const identify = () => ({ isBegun: false, known: Promise.resolve(stranger), stranger: () => stranger });
  const relay = new Relay({ transports, guard, identify });
  const listener = await (
    await tcp().load()
  ).listen(
    { scheme: 'tcp', host: '127.0.0.1', port: 0 },
    {
      limits: guard.connectionLimits,
      onConnection: (connection, admission) => relay.handleConnection(connection, admission),
    },
  );
  return {
    url: `tcp://127.0.0.1:${listener.address.port}`,
    held: () => [...relay.hops].reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0),
    close: async () => {
      await listener.close();
      await relay.close();
    },
  };
}

/** Gathers each stream, makes one message of it, and sends that to the one before it in the list, or to the end. */
async function wholeRelay(relays, far) {
  let held = 0;
  const next = relays.at(-1) ?? far;
  const mine = await endpoint((stream) => {
    const pieces = [];
    stream.onData((bytes) => {
      pieces.push(Buffer.from(bytes));
      held += bytes.length;
    });
    stream.onEnd(async () => {
      const message = Buffer.concat(pieces);
      held += message.length;
      const onward = (await dialOver([], next.url)).openStream();
      onward.send(message, () => (held -= 2 * message.length));
      onward.closeWrite();
    });
  });
  return { ...mine, isWhole: true, held: () => held };
}
