import { describe, expect, it } from 'vitest';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { DialPolicy, parseDialRules } from '../../../src/relay/dial-policy.js';
import { dialNextHop } from '../../../src/relay/next-hop.js';
import type { Address, Connection, DialOptions, Transport } from 'xfer/plugin';

/** A transport that connects to what it is told, or wherever `leads` says; it notes every dial. */
function transports(leads?: string) {
  const dials: { to: Address; resolved: readonly string[] | undefined }[] = [];
  const aborted: string[] = [];
  const transport: Transport = {
    probe: () => Promise.resolve({ ok: true, detail: '' }),
    listen: () => Promise.reject(new Error('it does not')),
    dial: (to: Address, { resolved }: DialOptions) => {
      dials.push({ to, resolved });
      const host = leads ?? resolved?.[0] ?? to.host;
      const connection = { remote: { ...to, host }, abort: (error: Error) => aborted.push(error.message) };
      return Promise.resolve(connection as unknown as Connection);
    },
  };
  const registry = new TransportRegistry();
  registry.add(
    { apiVersion: 1, name: 'test', schemes: ['tcp'], load: () => Promise.resolve(transport) },
    'test',
  );
  return { registry, dials, aborted };
}

interface Asked {
  url?: string;
  rules?: string[];
  loopbackOnly?: boolean;
  trust?: 'stranger' | 'trusted';
  /** What DNS says, one answer after the other. */
  answers?: string[][];
  leads?: string;
}

async function dial({ url = 'tcp://name.example:4840', answers = [], leads, ...asked }: Asked) {
  const { registry, dials, aborted } = transports(leads);
  const { rules, loopbackOnly = false, trust = 'stranger' } = asked;
  const policy = new DialPolicy({ rules: rules && parseDialRules(rules), loopbackOnly });
  const asks: string[] = [];
  const outcome = await dialNextHop(url, {
    transports: registry,
    signal: new AbortController().signal,
    policy,
    trust,
    resolve: (host) => {
      asks.push(host);
      return Promise.resolve(answers.shift() ?? []);
    },
  }).then(
    ({ remote }) => remote.host,
    (error: unknown) => (error as { code: string }).code,
  );
  return { outcome, dials, asks, aborted };
}

const refused = 'ERR_XFER_RELAY_REFUSED';

describe('a relay that is no open proxy', () => {
  it.each([
    ['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.8.9.10'],
    ['10.1.2.3', '172.16.0.1', '192.168.1.1', 'fd00::1', '100.64.0.1'],
    ['169.254.1.1', 'fe80::1', '169.254.169.254', 'fd00:ec2::254', '100.100.100.200'],
    ['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255'],
    ['64:ff9b::7f00:1', '2002:7f00:1::', '::ffff:169.254.169.254'],
  ])('does not dial %s and the like for strangers, by address or by name', async (...addresses) => {
    for (const address of addresses) {
      const host = address.includes(':') ? `[${address}]` : address;
      const byAddress = await dial({ url: `tcp://${host}:80`, rules: ['public'] });
      expect([address, byAddress.outcome, byAddress.dials.length]).toEqual([address, refused, 0]);
      const byName = await dial({ rules: ['public'], answers: [[address]] });
      expect([address, byName.outcome, byName.dials.length]).toEqual([address, refused, 0]);
    }
  });

  it('looks no name up for whom it dials nothing', async () => {
    const { outcome, asks } = await dial({ answers: [['192.0.2.1']] });
    expect([outcome, asks]).toEqual([refused, []]);
  });

  it('connects to the very addresses that it has judged, whatever DNS says next', async () => {
    const answers = [['10.0.0.1', '8.8.8.8'], ['127.0.0.1']];
    const { outcome, dials, asks } = await dial({ rules: ['public'], answers });
    expect([outcome, asks]).toEqual(['8.8.8.8', ['name.example']]);
    expect(dials.map(({ to, resolved }) => [to.host, resolved])).toEqual([['name.example', ['8.8.8.8']]]);
  });

  it('drops a connection that led elsewhere', async () => {
    const { outcome, aborted } = await dial({
      rules: ['public'],
      answers: [['8.8.8.8']],
      leads: '127.0.0.1',
    });
    expect([outcome, aborted.length]).toEqual([refused, 1]);
  });

  it('dials port 0 for nobody, and no link-local or metadata address that is not named', async () => {
    expect((await dial({ url: 'tcp://8.8.8.8:0', trust: 'trusted' })).outcome).toBe(refused);
    const trusted = async (address: string, rules?: string[]) =>
      (await dial({ url: `tcp://${address}:80`, trust: 'trusted', ...(rules ? { rules } : {}) })).outcome;
    expect(await trusted('10.0.0.1')).toBe('10.0.0.1');
    expect(await trusted('169.254.169.254', ['any'])).toBe(refused);
    expect(await trusted('169.254.169.254', ['169.254.169.254'])).toBe('169.254.169.254');
  });
});
