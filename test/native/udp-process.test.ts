import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fixture, runProgram, type Ended } from './run-script.js';
import { describeUdpAddon } from './udp-implementations.js';

const runNode = (script: string, ...args: string[]): Promise<Ended> =>
  runProgram(process.execPath, [...args.filter((arg) => arg.startsWith('--')), fixture(script), ...args]);

describeUdpAddon('a process that ends with sockets open and traffic under way', () => {
  it.each([
    ['exit', { status: 3, signal: null, stderr: '' }],
    ['exit-in-handler', { status: 4, signal: null, stderr: '' }],
    ['throw-in-handler', { status: 1, signal: null }],
    ['close-in-handler', { status: 0, stdout: 'closed\n', stderr: '' }],
    ['all-closed', { status: 0, stdout: '', stderr: '' }],
    ['kill', { status: null, signal: 'SIGTERM' }],
  ])('%s', async (way, expected) => {
    expect(await runNode('udp-exit.cjs', way)).toMatchObject(expected);
  });
});

describeUdpAddon('a socket of the addon', () => {
  it('is safe in worker threads that come and go', async () => {
    expect(await runNode('udp-workers.cjs')).toEqual({
      status: 0,
      signal: null,
      stdout: 'all ended\n',
      stderr: '',
    });
  }, 60_000);

  it('lives while it is open, and is let go of when it is closed', async () => {
    const ended = await runNode('udp-gc.cjs', '--expose-gc');
    expect(ended).toEqual({ status: 0, signal: null, stdout: 'collected\n', stderr: '' });
  });

  it.each(['slab', 'fields', 'fields-shrunk', 'slab-shrunk'])(
    'breaks, and only that, where its memory is taken away: %s',
    async (what) => {
      const stdout = 'EFAULT recvmmsg\nnext tick\nnext socket\n';
      expect(await runNode('udp-transferred.cjs', what)).toEqual({
        status: 0,
        signal: null,
        stdout,
        stderr: '',
      });
    },
  );
});

/** A namespace of its own with a link to nobody. */
const inNamespace = ['--net', 'sh', '-c'];
const link =
  'ip link add one type veth peer name two && ip addr add 198.51.100.1/24 dev one && ip link set one up && ip link set two up';
const canUnshare = spawnSync('unshare', [...inNamespace, link]).status === 0;
if (!canUnshare)
  process.stderr.write(
    'NOT TESTED: a full queue of the kernel: no network namespaces here (root, iproute2)\n',
  );

describe.runIf(canUnshare)('a path with an MTU of 1500', () => {
  describeUdpAddon('of loopback', () => {
    it.each(['127.0.0.1', '::1'])(
      'refuses longer packets of %s, and those alone, and fragments none',
      async (host) => {
        const script = 'ip link set lo mtu 1500 up && exec "$0" "$1" "$2"';
        const args = [...inNamespace, script, process.execPath, fixture('udp-mtu.cjs'), host];
        const { status, stdout, stderr } = await runProgram('unshare', args);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        const expected = { went: 3, received: 60, packetsSent: 60, dropped: 0, failed: 21, gso: true };
        expect(JSON.parse(stdout)).toEqual(expected);
      },
    );
  });
});

describe.runIf(canUnshare)('a full queue of the kernel', () => {
  describeUdpAddon('on a link where nobody answers', () => {
    it('drops the rest, counts it, and tells when there is room again', async () => {
      const script = `${link} && exec "$0" "$1" 198.51.100.2`;
      const args = [...inNamespace, script, process.execPath, fixture('udp-full-queue.cjs')];
      const { status, stdout, stderr } = await runProgram('unshare', args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [full, later] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number>);
      expect(full).toMatchObject({
        dropped: 44,
        failed: 0,
        control: false,
        isFull: true,
        isFullClosed: false,
      });
      expect(full?.['packetsSent']).toBe(full!['runs']! * 44);
      expect(later).toMatchObject({ writable: true, wentAgain: 1 });
    }, 20_000);
  });
});
