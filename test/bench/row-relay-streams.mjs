import { connectFrom } from './loopback-link.mjs';
import { endpoint, settled, startRelay, stopRelays } from './relays.mjs';
import { spread } from './stats.mjs';
import { encodeRouteTo } from './route-header.mjs';

const kib = 1024;

/**
 * Many idle streams at once through one relay, from ten peers that have as many as a peer may: the next one is refused, and
 * what the relay's memory grew by is divided by their number.
 */
export const relayStreamsRow = {
  name: 'relay-streams',
  title: 'idle streams through one relay',
  async measure(context) {
    const { smoke } = context;
    const [peers, each] = smoke ? [2, 1000] : [10, 1000];
    const relay = await startRelay(context, { limitMs: 300_000 });
    const idle = await settled(relay);
    const far = await endpoint(() => undefined);
    const header = encodeRouteTo(far.url);
    const connections = [];
    for (let peer = 1; peer <= peers; peer++) {
      const connection = await connectFrom(`127.0.1.${peer}`, relay.port);
      connections.push(connection);
      const streams = Array.from({ length: each }, () => connection.openStream({ header }));
      await Promise.all(streams.map(({ opened }) => opened));
    }
    const refused = [];
    for (const connection of connections)
      refused.push(
        await connection.openStream({ header }).opened.then(
          () => 'opened',
          ({ openCode }) => openCode,
        ),
      );
    if (refused.some((code) => code !== 9)) throw new Error(`one stream too many: ${refused.join(' ')}`);
    const grown = (await settled(relay)) - idle;
    for (const connection of connections) connection.abort(new Error('done'));
    await stopRelays([relay]);
    await far.close();
    const perStream = grown / (peers * each) / kib;
    return [
      {
        ...{ part: `${peers * each} of ${peers} peers, the next refused with 9`, unit: 'KiB' },
        ...{ ours: spread([perStream]), peer: spread([20]), peerName: 'allowed' },
        ...{ ratio: perStream / 20, goal: { atMost: 1 } },
      },
    ];
  },
};
