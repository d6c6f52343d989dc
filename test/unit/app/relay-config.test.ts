import { describe, expect, it } from 'vitest';
import { parseRelayConfig } from '../../../src/app/relay-config.js';
import type { XferError } from '../../../src/errors/index.js';

const hex = 'ab'.repeat(32);
const base64 = Buffer.from(hex, 'hex').toString('base64');
const peer = { name: 'alice', key: hex };
const token = { name: 'guest', token: 'correct-horse-battery' };

const parse = (file: unknown) => parseRelayConfig(JSON.stringify(file), '/etc/xfer/relay.json');

function faultOf(file: unknown): string {
  try {
    parse(file);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_XFER_USAGE' });
    return (error as XferError).message.replace('/etc/xfer/relay.json: ', '');
  }
  throw new Error('nothing was found wrong with it');
}

describe('the configuration of a relay', () => {
  it('may be empty', () => {
    expect(parse({})).toEqual({});
  });

  it('has every field of the page, in the units that the program counts in', () => {
    const file = {
      listen: ['tcp://[::]:4840', 'wss://0.0.0.0:443'],
      metrics: '9100',
      dial: ['public', '10.1.0.0/16', '2001:db8::/32', '192.0.2.7'],
      allow: ['alice'],
      peers: [{ ...peer, weight: 10, maxStreams: 5000, rate: '80mbit' }],
      tokens: [{ ...token, weight: 2 }],
      unknownWeight: 3,
      rate: '1gbit',
      limits: {
        maxConnections: 1,
        connectionsPerAddress: 2,
        newConnectionsPerMinute: 3,
        maxStreams: 4,
        streamsPerPeer: 5,
        maxRooms: 6,
        roomsPerPeer: 7,
        bytesPerSecondPerPeer: '10MB/s',
        handshakeTimeout: '2s',
        idleTimeout: '5m',
        inactivity: '5s',
        orphan: '60s',
        storeLimit: '64MiB',
      },
      rollout: 'shadow',
      tls: { certificate: 'cert.pem', key: '/etc/ssl/key.pem' },
    };
    expect(parse(file)).toEqual({
      ...file,
      peers: [
        {
          name: 'alice',
          key: Uint8Array.from(Buffer.from(hex, 'hex')),
          weight: 10,
          maxStreams: 5000,
          rate: 1e7,
        },
      ],
      rate: 1.25e8,
      limits: {
        ...file.limits,
        bytesPerSecondPerPeer: 1e7,
        handshakeTimeout: 2000,
        idleTimeout: 300_000,
        inactivity: 5000,
        orphan: 60_000,
        storeLimit: 64 * 2 ** 20,
      },
      tls: { certificate: '/etc/xfer/cert.pem', key: '/etc/ssl/key.pem' },
    });
  });

  it('takes a key as xfer peers prints it, or in hexadecimal digits', () => {
    const { peers = [] } = parse({ peers: [peer, { name: 'bob', key: base64.replace('q', 'r') }] });
    expect(Buffer.from(peers[0]?.key ?? []).toString('base64')).toBe(base64);
    expect(peers[1]?.key).toHaveLength(32);
  });

  it.each([
    [{ port: 1 }, 'port: there is no such field'],
    [{ limits: { maxStream: 1 } }, 'limits.maxStream: there is no such field'],
    [[], 'the file: must be an object'],
    [{ listen: 'tcp://[::]:1' }, 'listen: must be a list'],
    [{ listen: [4840] }, 'listen.0: must be a URL'],
    [{ listen: ['tcp://'] }, 'listen.0: no valid host'],
    [{ metrics: ':9100' }, 'metrics: no address for metrics'],
    [{ dial: ['everything'] }, 'dial.0: cannot dial by the rule "everything"'],
    [{ dial: ['10.0.0.0/33'] }, 'dial.0: cannot dial by the rule'],
    [{ dial: ['example.com'] }, 'dial.0: cannot dial by the rule'],
    [{ dial: ['10.0.0.0/8/8'] }, 'dial.0: cannot dial by the rule'],
    [{ peers: [{ name: 'alice' }] }, 'peers.0.key: is missing'],
    [{ peers: [{ name: 'alice', key: 'abc' }] }, 'peers.0.key: not a key'],
    [{ peers: [{ name: 'alice', key: `${hex}00` }] }, 'peers.0.key: not a key'],
    [
      { peers: [{ name: 'alice', key: 'k7qd-3mzp-abcd-efgh-2345' }] },
      'peers.0.key: a fingerprint is not the key',
    ],
    [{ peers: [{ ...peer, name: '../alice' }] }, 'peers.0.name: this cannot be the name of a peer'],
    [{ peers: [{ ...peer, weight: 0 }] }, 'peers.0.weight: must be a whole number from 1 to 1000'],
    [{ peers: [{ ...peer, weight: 1.5 }] }, 'peers.0.weight: must be a whole number from 1 to 1000'],
    [{ peers: [{ ...peer, weight: 1001 }] }, 'peers.0.weight: must be'],
    [{ peers: [{ ...peer, rate: '80' }] }, 'peers.0.rate: not a rate: "80"'],
    [{ peers: [peer, { ...peer, name: 'bob' }] }, 'peers.1.key: this key is there already'],
    [{ peers: [peer], tokens: [{ ...token, name: 'alice' }] }, 'tokens.0.name: this name is there already'],
    [{ tokens: [token, { ...token, name: 'other' }] }, 'tokens.1.token: this token is there already'],
    [{ tokens: [{ ...token, token: 'short' }] }, 'tokens.0.token: must have 16 to 256'],
    [{ tokens: [{ ...token, token: 'with a space in it' }] }, 'tokens.0.token: must have 16 to 256'],
    [{ allow: ['alice'] }, 'allow.0: none of the peers has this name'],
    [{ rate: '0mbit' }, 'rate: must be more than 0'],
    [{ limits: { idleTimeout: '5' } }, 'limits.idleTimeout: not a duration: "5"'],
    [{ limits: { idleTimeout: 5 } }, 'limits.idleTimeout: must be a duration'],
    [{ limits: { maxRooms: -1 } }, 'limits.maxRooms: must be a whole number'],
    [{ rollout: 'maybe' }, 'rollout: must be "off", "shadow" or "on"'],
    [{ tls: { certificate: 'cert.pem' } }, 'tls.key: is missing'],
  ])('names the field that is wrong in %j', (file, told) => {
    expect(faultOf(file)).toMatch(new RegExp(`^${told.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}`));
  });

  it.each(['{"tokens":[{"token":"very-secret-token",}]}', 'very-secret-token', '{"a": very-secret-token}'])(
    'quotes nothing of a file that is not JSON: %s',
    (text) => {
      expect(() => parseRelayConfig(text, 'relay.json')).toThrow(/^relay\.json(, line 1)?: not JSON$/);
    },
  );

  it('says in which line the JSON ends to be some', () => {
    expect(() => parseRelayConfig('{\n"rate": "1gbit"\n"dial": []}', 'relay.json')).toThrow(
      'relay.json, line 3',
    );
  });

  it('quotes no token that is wrong', () => {
    const said = [
      faultOf({ tokens: [{ ...token, token: 'hush' }] }),
      faultOf({ tokens: [{ ...token, token: ['hush'] }] }),
      faultOf({ tokens: [{ ...token, token: 'hush-hush-hush-hush\u0000' }] }),
    ];
    expect(said.join('\n')).not.toContain('hush');
  });
});
