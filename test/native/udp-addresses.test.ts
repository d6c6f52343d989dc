import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalHost } from '../../src/native/canonical-host.js';
import { bytesOf, describeUdp, packetSocket } from './udp-implementations.js';

describe('the canonical text of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['fe80:0::1%eth0', 'fe80::1%eth0'],
    ['2001:db8::1%eth0', '2001:db8::1'],
    ['localhost', undefined],
    ['', undefined],
    ['fe80::1%', undefined],
    ['192.0.2.1%eth0', undefined],
    ['::g', undefined],
  ])('of %j is %j', (host, expected) => {
    expect(canonicalHost(host)).toBe(expected);
  });
});

describeUdp('an address', (api) => {
  it('is reported in its canonical text', async () => {
    const socket = await packetSocket(api, { host: '::' });
    const keys = { sendKey: bytesOf(16, 1), receiveKey: bytesOf(16, 2) };
    const connection = socket.addConnection({
      ...{ localId: bytesOf(8, 1), remoteId: bytesOf(8, 2), ...keys },
      remote: { host: '::1', port: 1 },
    });
    const group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const host = groups.map((value) => value.toString(16)).join(':');
        const path = socket.path(connection, { host, port: 9 });
        expect(socket.addressOf(connection, path).host).toBe(canonicalHost(host));
      }),
      { examples: [[[0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]], [[0, 0, 0, 0, 0, 0, 0x102, 0x304]]] },
    );
    const scoped = socket.path(connection, { host: '2001:db8::7%lo', port: 9 });
    expect(socket.path(connection, { host: '2001:db8::7', port: 9 })).toBe(scoped);
  });
});

const setUp =
  'ip link set lo up && ip link add br_lan type veth peer name two && ip link set br_lan up && ip link set two up && ip addr add fe80::1/64 dev br_lan nodad';
const inNamespace = ['--net', 'sh', '-c'];
const canUnshare = spawnSync('unshare', [...inNamespace, setUp]).status === 0;
if (!canUnshare)
  process.stderr.write('NOT TESTED: odd names of interfaces: no network namespaces here (root, iproute2)\n');

describe.runIf(canUnshare)('an interface whose name Node does not take', () => {
  describeUdp('is told by its number', (api) => {
    it('in what is received, which can be answered', () => {
      const script = fileURLToPath(new URL('fixtures/udp-zone.ts', import.meta.url));
      const node = [process.execPath, '--import', 'tsx', script, api.kind];
      const { stdout, stderr } = spawnSync(
        'unshare',
        [...inNamespace, `${setUp} && exec "$0" "$@"`, ...node],
        {
          encoding: 'utf8',
          timeout: 20_000,
        },
      );
      expect({ stdout, stderr }).toEqual({ stdout: 'answered\n', stderr: '' });
    }, 30_000);
  });
});
