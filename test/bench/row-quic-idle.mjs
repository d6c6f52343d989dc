import { join } from 'node:path';
import { labMissing, openLab } from '../support/net-lab.mjs';
import { schemeMissing } from './link-runs.mjs';
import { line, startAt } from './processes.mjs';
import { settled, startRelay, stopRelays } from './relays.mjs';
import { spread } from './stats.mjs';

const program = join(import.meta.dirname, 'idle-quic.mjs');
const allowedMegabytes = 120;
const port = 4841;
/** Within what a relay allows an address by default. */
const perAddress = 50;

/** What a relay grows by while it holds many quic connections of strangers that do nothing. */
export const quicIdleRow = {
  name: 'quic-idle',
  title: 'idle quic connections at a relay',
  rare: true,
  smoked: true,
  async measure(context) {
    const missing = labMissing() ?? (await schemeMissing(context, 'quic'));
    if (missing) return [{ skipped: missing }];
    const addresses = context.smoke ? 2 : 40;
    const lab = await openLab({ wire: 'veth' });
    const relay = await startRelay(context, {
      ...{ listen: `quic://0.0.0.0:${port}`, end: lab.server, limitMs: 300_000 },
    });
    try {
      const idle = await settled(relay);
      await addAddresses(lab, addresses);
      const args = [program, String(addresses), String(perAddress), String(port)];
      const clients = startAt(lab.client, process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
      await line(clients, heard('open'));
      const grown = ((await settled(relay)) - idle) / 1e6;
      // Those that are still there when it has been measured are what was measured.
      clients.child.stdin.end();
      const { left } = await line(clients, heard('left'));
      const wanted = addresses * perAddress;
      if (left !== wanted) throw new Error(`${left} of ${wanted} connections are left: ${clients.stderr}`);
      return [
        {
          ...{ part: `${wanted}, from ${addresses} addresses`, unit: 'MB', ours: spread([grown]) },
          ...{ peer: spread([allowedMegabytes]), peerName: 'allowed' },
          ...{ ratio: grown / allowedMegabytes, goal: { atMost: 1 } },
        },
      ];
    } finally {
      await stopRelays([relay]);
      await lab.close();
    }
  },
};

const heard = (name) => (text) => {
  const said = JSON.parse(text);
  return said[name] === undefined ? undefined : said;
};

/** The client is another one for each address of the server that it dials. */
async function addAddresses(lab, count) {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  await lab.setUp(
    'server',
    numbers.map((n) => `ip address add 10.91.2.${n}/32 dev lo`),
  );
  await lab.setUp(
    'client',
    numbers.flatMap((n) => [
      `ip address add 10.91.1.${n}/32 dev lo`,
      `ip route add 10.91.2.${n} dev link0 src 10.91.1.${n}`,
    ]),
  );
}
