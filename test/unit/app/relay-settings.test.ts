import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { XferEvent } from '../../../src/app/events.js';
import { RelaySettings } from '../../../src/app/relay-settings.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

let path: string;
let events: XferEvent[];

beforeEach(async () => {
  path = join(await temporaryDirectory(), 'relay.json');
  events = [];
});

const write = (config: unknown) => writeFile(path, JSON.stringify(config));
const open = () => RelaySettings.open(path, (event) => events.push(event));
const told = () =>
  events.splice(0).map((event) => ('message' in event ? `${event.event}: ${event.message}` : event.event));

describe('the settings of a relay', () => {
  it('are none without a file, which cannot be read again', async () => {
    const settings = await RelaySettings.open(undefined, (event) => events.push(event));
    expect(settings.config).toEqual({});
    await settings.reload();
    expect(told()).toEqual(['note: there is no configuration to read again: --config FILE']);
  });

  it('change when the file is read again', async () => {
    await write({ unknownWeight: 1, tokens: [] });
    const settings = await open();
    const seen: unknown[] = [];
    settings.onChange(({ unknownWeight }) => seen.push(unknownWeight));
    await write({ unknownWeight: 5, peers: [{ name: 'alice', key: '01'.repeat(32) }], allow: ['alice'] });
    expect([settings.isPrivate, settings.findKey(new Uint8Array(32).fill(1))]).toEqual([false, undefined]);
    await settings.reload();
    expect([settings.isPrivate, settings.findKey(new Uint8Array(32).fill(1))?.name]).toEqual([true, 'alice']);
    expect(seen).toEqual([5]);
    expect(told()).toEqual([`note: ${path} was read again`]);
  });

  it('say what only a restart changes', async () => {
    await write({ listen: ['tcp://127.0.0.1:1'], metrics: '9100' });
    const settings = await open();
    await write({ listen: ['tcp://127.0.0.1:2'], metrics: '9100', tls: { certificate: 'c', key: 'k' } });
    await settings.reload();
    expect(told()).toEqual([`note: ${path} was read again; a new listen, tls needs a restart`]);
  });

  it.each([
    ['is wrong', () => write({ unknownWeight: 0 }), 'unknownWeight: must be a whole number'],
    ['is no JSON', () => writeFile(path, '{'), 'not JSON'],
    ['is gone', () => rm(path), 'cannot read'],
    ['is no file', () => rm(path).then(() => mkdir(path)), 'is no configuration file'],
  ])('stay as they were when the file %s', async (_, spoil, message) => {
    await write({ unknownWeight: 7 });
    const settings = await open();
    await spoil();
    await settings.reload();
    expect(settings.config).toEqual({ unknownWeight: 7 });
    const [line] = told();
    expect(line).toContain(message);
    expect(line).toMatch(/^error: .*; the configuration stays as it was$/);
    await rm(path, { recursive: true, force: true });
    await write({ unknownWeight: 8 });
    await settings.reload();
    expect(settings.config).toEqual({ unknownWeight: 8 });
  });

  it('are refused at the start where the file is wrong or not there', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'ERR_XFER_NOT_FOUND' });
    await write({ nonsense: true });
    await expect(open()).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  });

  it('say when everybody can read the tokens', async () => {
    await write({ tokens: [{ name: 'guest', token: 'a-token-of-the-guest' }] });
    await chmod(path, 0o640);
    await open();
    expect(told()).toEqual([]);
    await chmod(path, 0o644);
    await open();
    expect(told()).toEqual([
      `note: everybody on this machine can read the tokens in ${path}: chmod 640 ${path}`,
    ]);
  });
});
