import { describe, expect, it } from 'vitest';
import { reachableUrls, sendCommands, type MachineNames } from '../../../src/ui/send-commands.js';

const machine: MachineNames = {
  hostname: 'box',
  interfaces: [
    { address: '127.0.0.1', family: 'IPv4', internal: true },
    { address: '::1', family: 'IPv6', internal: true },
    { address: '192.0.2.7', family: 'IPv4', internal: false },
    { address: '169.254.9.9', family: 'IPv4', internal: false },
    { address: '2001:db8::7', family: 'IPv6', internal: false },
    { address: 'fe80::1', family: 'IPv6', internal: false },
  ],
};

describe('what to type on the other machine', () => {
  it.each([
    ['tcp://127.0.0.1:4840', ['tcp://127.0.0.1:4840']],
    ['tcp://0.0.0.0:4840', ['tcp://192.0.2.7:4840']],
    ['tcp://[::]:4840', ['tcp://192.0.2.7:4840', 'tcp://[2001:db8::7]:4840']],
    ['ws://example.org:80', ['ws://example.org:80']],
  ])('reaches %s by %j', (url, urls) => expect(reachableUrls(url, machine)).toEqual(urls));

  it('names the machine where it has no address of its own', () => {
    expect(reachableUrls('tcp://0.0.0.0:1', { hostname: 'box', interfaces: [] })).toEqual(['tcp://box:1']);
  });

  it('carries a made code in the environment, quoted for any shell', () => {
    expect(
      sendCommands({ event: 'listening', addresses: ['tcp://[::]:1'], code: '12-a-b' }, machine),
    ).toEqual([
      'XFER_CODE=12-a-b xfer send PATH tcp://192.0.2.7:1',
      "XFER_CODE=12-a-b xfer send PATH 'tcp://[2001:db8::7]:1'",
    ]);
  });

  it('leaves the transport open where several lead to the same place', () => {
    const commands = (...addresses: string[]) => sendCommands({ event: 'listening', addresses }, machine);
    expect(commands('tcp://[::]:4840', 'udp://[::]:4840', 'quic://[::]:4841')).toEqual([
      'xfer send PATH 192.0.2.7',
      "xfer send PATH '[2001:db8::7]'",
    ]);
    expect(commands('tcp://h:5000', 'udp://h:5000', 'wss://h:443')).toEqual([
      'xfer send PATH h:5000',
      'xfer send PATH wss://h:443',
    ]);
  });

  it('says no code that the user chose', () => {
    expect(sendCommands({ event: 'listening', addresses: ['tcp://h:1'] }, machine)).toEqual([
      'xfer send PATH tcp://h:1',
    ]);
  });

  it('quotes what a shell would run', () => {
    expect(
      sendCommands({ event: 'listening', addresses: ["tcp://h;rm -rf '~'"], code: '$(x)' }, machine),
    ).toEqual([`XFER_CODE='$(x)' xfer send PATH 'tcp://h;rm -rf '\\''~'\\'''`]);
  });

  it('shows each way once and four at most', () => {
    const addresses = ['a', 'a', 'b', 'c', 'd', 'e'].map((host) => `tcp://${host}:1`);
    expect(sendCommands({ event: 'listening', addresses }, machine)).toHaveLength(4);
  });
});
