import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeTold, type KnownHost } from '../../../src/app/ways-told.js';
import { formatAddress } from '../../../src/transport/address.js';

const schemes = new Set(['tcp', 'udp', 'quic', 'ws', 'wss']);
const known: KnownHost = {
  host: 'far.example',
  port: undefined,
  ips: ['192.0.2.7', '2001:db8::7', '192.0.2.8'],
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
      'udp://192.0.2.7:5000',
      'udp://[2001:db8::7]:5001',
    ]);
    expect(taken(['udp://0.0.0.0:5000'], { answering, ips: [answering] })).toEqual([]);
  });

  it('takes the host that was named, and the addresses of its name', () => {
    expect(taken(['udp://FAR.example:5000', 'udp://192.0.2.8:5000', 'udp://[2001:db8:0::7]:5000'])).toEqual([
      'udp://192.0.2.7:5000',
      'udp://192.0.2.8:5000',
      'udp://[2001:db8::7]:5000',
    ]);
    expect(taken(['udp://[::ffff:192.0.2.7]:5000'])).toEqual(['udp://192.0.2.7:5000']);
  });

  it('keeps the name where a certificate or a proxy is asked for it', () => {
    expect(taken(['wss://[::]:443', 'ws://192.0.2.7:8080', 'wss://far.example:8443'])).toEqual([
      'wss://far.example:443',
      'ws://far.example:8080',
      'wss://far.example:8443',
    ]);
    expect(taken(['udp://[::]:5000'], { ips: [], answering: undefined })).toEqual(['udp://far.example:5000']);
  });

  it.each([
    ['another host', 'tcp://192.0.2.9:4840'],
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

  it('never leads anywhere but to the host that was named, whatever is told', () => {
    const hosts = new Set([known.host, ...known.ips]);
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
      fc.property(urls, (listens) => {
        for (const way of judgeTold(listens, known, schemes)) {
          if (!('address' in way)) continue;
          expect(hosts).toContain(way.address.host);
          expect(schemes).toContain(way.address.scheme);
          expect(way.address.port === 443 || way.address.port >= 1024).toBe(true);
        }
      }),
    );
  });
});
