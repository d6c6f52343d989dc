import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeTold, type KnownHost } from '../../../src/app/ways-told.js';
import { formatAddress } from '../../../src/transport/address.js';

const schemes = new Set(['tcp', 'udp', 'quic', 'ws', 'wss']);
const known: KnownHost = {
  host: 'far.example',
  port: undefined,
  answering: '192.0.2.7',
};

function taken(listens: readonly string[], of: Partial<KnownHost> = {}): string[] {
  return judgeTold(listens, { ...known, ...of }, schemes).flatMap((way) =>
    'address' in way ? [formatAddress(way.address)] : [],
  );
}

describe('judgeTold', () => {
  it('puts the host that answered where all addresses are listened on', () => {
    expect(taken(['tcp://[::]:4840', 'udp://0.0.0.0:5000', 'quic://[::]:4841'])).toEqual([
      'tcp://192.0.2.7:4840',
      'udp://192.0.2.7:5000',
      'quic://192.0.2.7:4841',
    ]);
  });

  it('takes the family that is listened on', () => {
    const answering = '2001:db8::7';
    expect(taken(['udp://0.0.0.0:5000', 'udp://[::]:5001'], { answering })).toEqual([
      'udp://[2001:db8::7]:5001',
    ]);
  });

  it('takes the name in the target and the address that answered, however it is written', () => {
    expect(
      taken(['udp://FAR.example:5000', 'udp://192.0.2.7:5001', 'udp://[::ffff:192.0.2.7]:5002']),
    ).toEqual(['udp://192.0.2.7:5000', 'udp://192.0.2.7:5001', 'udp://192.0.2.7:5002']);
    expect(taken(['udp://[2001:db8:0::7]:5000'], { answering: '2001:db8::7' })).toEqual([
      'udp://[2001:db8::7]:5000',
    ]);
  });

  it('keeps the name where a certificate is asked for it', () => {
    expect(taken(['wss://[::]:443', 'ws://192.0.2.7:8080', 'wss://far.example:8443'])).toEqual([
      'wss://far.example:443',
      'ws://far.example:8080',
      'wss://far.example:8443',
    ]);
    expect(taken(['wss://192.0.2.9:8443'])).toEqual([]);
  });

  it('takes nothing where a proxy hides which machine answered', () => {
    expect(taken(['udp://[::]:5000', 'wss://far.example:8443'], { answering: undefined })).toEqual([]);
  });

  it.each([
    ['another host', 'tcp://192.0.2.9:4840'],
    ['another address, which the name may stand for as well', 'tcp://192.0.2.8:4840'],
    ['another name', 'tcp://near.example:4840'],
    ['a name that begins with it', 'tcp://far.example.net:4840'],
    ["the sender's own loopback", 'tcp://127.0.0.1:4840'],
    ['loopback by name', 'tcp://localhost:4840'],
    ['the metadata of a cloud', 'ws://169.254.169.254:8080'],
    ['a directory here', 'local:/etc'],
    ['a room', 'room:1234'],
    ['no scheme', '192.0.2.7:4840'],
    ['no port', 'udp://192.0.2.7'],
    ['port 0', 'udp://192.0.2.7:0'],
    ['mail', 'tcp://192.0.2.7:25'],
    ['ssh', 'tcp://[::]:22'],
    ['no port there is', 'tcp://192.0.2.7:70000'],
    ['a transport that is not there', 'rdma://192.0.2.7:4842'],
    ['a path', 'ws://192.0.2.7:8080/admin'],
    ['options', 'udp://192.0.2.7:4840?cc=fixed:1'],
    ['a user', 'tcp://root@192.0.2.7:4840'],
    ['a line break', 'tcp://192.0.2.7:4840\n'],
    ['nothing', ''],
  ])('refuses %s', (_what, url) => {
    expect(taken([url])).toEqual([]);
  });

  it('lets nobody talk of low ports that the user did not name', () => {
    expect(taken(['tcp://[::]:443', 'tcp://[::]:80', 'tcp://[::]:1023', 'tcp://[::]:1024'])).toEqual([
      'tcp://192.0.2.7:443',
      'tcp://192.0.2.7:1024',
    ]);
    expect(taken(['udp://[::]:80'], { port: 80 })).toEqual(['udp://192.0.2.7:80']);
  });

  it('looks at 16, and shows what was told harmlessly and in bounds', () => {
    const many = Array.from({ length: 40 }, (_, i) => `udp://[::]:${5000 + i}`);
    expect(taken(many).length).toBe(16);
    const [judged] = judgeTold([`tcp://\u001b[2J${'x'.repeat(10_000)}`], known, schemes);
    expect(judged?.told.length).toBeLessThan(300);
    expect(judged?.told).not.toContain('\u001b');
  });

  it('never leads anywhere but to the machine that answered, whatever is told', () => {
    const hosts = fc.constantFrom('192.0.2.7', '2001:db8::7', '127.0.0.1', '::1', undefined);
    const part = fc.constantFrom(
      ...[
        'tcp',
        'udp',
        'ws',
        'local',
        '://',
        ':',
        '/',
        '[',
        ']',
        '::',
        '0.0.0.0',
        '@',
        '%eth0',
        '4840',
        '443',
      ],
      ...[
        '192.0.2.7',
        '192.0.2.9',
        'far.example',
        '.',
        '127.0.0.1',
        '::1',
        '::ffff:',
        '\\',
        '#',
        ' ',
        '0x7f',
      ],
    );
    const urls = fc.array(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 8 }).map((all) => all.join('')),
      ),
    );
    fc.assert(
      fc.property(urls, hosts, (listens, answering) => {
        for (const way of judgeTold(listens, { ...known, answering }, schemes)) {
          if (!('address' in way)) continue;
          // What goes by name is dialled at the address that answered, too (`directWays`).
          const byName = way.address.scheme === 'ws' || way.address.scheme === 'wss';
          expect(way.address.host).toBe(byName ? known.host : answering);
          expect(answering).toBeDefined();
          expect(schemes).toContain(way.address.scheme);
          expect(way.address.port === 443 || way.address.port >= 1024).toBe(true);
        }
      }),
    );
  });
});
