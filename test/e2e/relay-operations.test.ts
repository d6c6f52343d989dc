import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseExposition, type Exposition } from '../support/exposition.js';
import { runHere, type RunHere } from '../support/run-here.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { program, runCommand } from '../support/run-through.js';
import { startRelay, type RunningRelay } from '../support/start-relay.js';
import { tlsFiles } from '../support/tls-identity.js';
import { hasTerminal, runInTerminal } from '../support/terminal.js';
import { failureOf, notesOf } from '../support/transfer.js';
import { startReceiverHere } from '../support/commands-here.js';

const MiB = 1024 * 1024;
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

let work: string;
let out: string;
let file: string;
let config: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, file, config] = [join(work, 'out'), join(work, 'file'), join(work, 'relay.json')];
});

interface MeasuredRelay extends RunningRelay {
  readonly metrics: string;
}

async function startMeasured(options: Parameters<typeof startRelay>[0] = {}): Promise<MeasuredRelay> {
  const relay = await startRelay({ ...options, flags: ['--metrics', '0', ...(options.flags ?? [])] });
  const { metrics = '' } = await relay.run.event('listening');
  return { ...relay, metrics };
}

async function scrape({ metrics }: MeasuredRelay): Promise<Exposition> {
  return parseExposition(await (await fetch(metrics)).text());
}

const health = ({ metrics }: MeasuredRelay) => fetch(metrics.replace(/metrics$/, 'healthz'));

/** A transfer over the relay that has begun; at this rate. */
async function beginSending(relay: RunningRelay, limit: string): Promise<{ send: RunHere; recv: RunHere }> {
  const { recv, address, code } = await startReceiverHere(out);
  const args = ['send', file, address, '--via', relay.url, '--limit', limit, '--retry', '0'];
  const send = await runHere(args, { env: { XFER_CODE: code } });
  await send.event('progress');
  return { send, recv };
}

async function write(content: unknown): Promise<void> {
  await writeFile(config, JSON.stringify(content));
}

/** Ends it, as a service manager does. */
const stop = (run: XferRun) => run.kill('SIGTERM');

describe('the metrics of a running relay', () => {
  it('move with what goes over it, and are right when it is over', async () => {
    await writeFile(file, randomBytes(4 * MiB));
    const relay = await startMeasured();
    const before = await scrape(relay);
    expect(before.value('xfer_streams_opened_total')).toBe(0);
    const { send, recv } = await beginSending(relay, '4MiB/s');
    const during = await scrape(relay);
    expect(during.value('xfer_streams_active')).toBeGreaterThan(0);
    expect(await (await health(relay)).json()).toMatchObject({ status: 'ok', maxStreams: 10_000 });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    const after = await scrape(relay);
    expect(after.value('xfer_streams_opened_total')).toBeGreaterThan(0);
    for (const direction of ['received', 'sent']) {
      const bytes = after.value(`xfer_bytes_total{direction="${direction}"}`);
      expect(bytes).toBeGreaterThan(4 * MiB);
      expect(bytes).toBeLessThan(5 * MiB);
    }
    expect(after.value('xfer_keepalive_rtt_seconds_count')).toBeGreaterThan(0);
    if (hasPromtool) {
      const input = await (await fetch(relay.metrics)).text();
      expect(spawnSync('promtool', ['check', 'metrics'], { input }).status).toBe(0);
    }
    expect((await stop(relay.run)).status).toBe(0);
  });

  it('count garbage as what it is', async () => {
    const relay = await startMeasured();
    const { port } = new URL(relay.url.replace('tcp:', 'http:'));
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.resume().end(Buffer.alloc(64, 0x33));
    await closed;
    const told = await scrape(relay);
    expect(told.value('xfer_connections{direction="in",transport="tcp"}')).toBe(0);
    expect(told.value('xfer_bytes_total{direction="received"}')).toBeGreaterThan(0);
    await stop(relay.run);
  });
});

describe('SIGTERM', () => {
  it('lets a transfer end that is under way, takes no other, and exits with 0', async () => {
    await writeFile(file, randomBytes(3 * MiB));
    const relay = await startMeasured();
    const { send, recv } = await beginSending(relay, '1500KiB/s');
    relay.run.child.kill('SIGTERM');
    expect((await relay.run.event('note')).message).toMatch(
      /^stopping: nothing new is taken, \d+ streams? may go on/,
    );
    const sick = await health(relay);
    expect([sick.status, await sick.json()]).toEqual([503, expect.objectContaining({ status: 'draining' })]);
    const late = await runHere(['send', file, 'tcp://127.0.0.1:9', '--via', relay.url, '--retry', '0'], {
      env: { XFER_CODE: '4821-crossover-clockwork' },
    });
    expect(failureOf(await late.ended).code).toBe('ERR_XFER_CONNECTION_REFUSED');
    const [sent, received, ended] = await Promise.all([send.ended, recv.ended, relay.run.ended]);
    expect([sent.status, received.status, ended.status]).toEqual([0, 0, 0]);
    expect((await readFile(join(out, 'file'))).equals(await readFile(file))).toBe(true);
  });

  it('cuts what has not ended in time', async () => {
    await writeFile(file, randomBytes(3 * MiB));
    const relay = await startRelay({ flags: ['--drain-timeout', '100ms'] });
    const { send } = await beginSending(relay, '64KiB/s');
    const ended = await stop(relay.run);
    expect(ended.status).toBe(0);
    expect(notesOf(ended).at(-1)).toMatch(/^\d+ streams? did not end in time$/);
    expect(failureOf(await send.ended).code).toBe('ERR_XFER_CONNECTION_LOST');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends it at once when %s follows', async (signal) => {
    await writeFile(file, randomBytes(3 * MiB));
    const relay = await startRelay();
    await beginSending(relay, '64KiB/s');
    relay.run.child.kill('SIGTERM');
    await relay.run.event('note');
    expect((await relay.run.kill(signal)).status).toBe(130);
  });

  it('has a receiver in a room look for the relay again', async () => {
    const relay = await startRelay();
    const recv = await runHere(['recv', out, '--via', relay.url]);
    await recv.event('listening');
    expect((await stop(relay.run)).status).toBe(0);
    expect((await recv.event('note')).message).toContain('trying to get back');
    await startRelay({ listen: relay.url });
    await recv.until(() => notesOf({ events: recv.events }).length > 1);
    await recv.interrupt();
  });
});

describe('other signals', () => {
  it('SIGINT ends it with 130', async () => {
    expect((await (await startRelay()).run.kill('SIGINT')).status).toBe(130);
  });

  it('SIGHUP does, too, where there is no configuration', async () => {
    expect((await (await startRelay()).run.kill('SIGHUP')).status).toBe(130);
  });
});

describe('a configuration', () => {
  /** A transfer to a receiver on loopback over a relay that listens everywhere, which dials only what it is told to. */
  async function attempt(relay: RunningRelay): Promise<number | null> {
    const { recv, address, code } = await startReceiverHere(out);
    const via = relay.url.replace('0.0.0.0', '127.0.0.1');
    const send = await runHere(['send', file, address, '--via', via, '--retry', '0'], {
      env: { XFER_CODE: code },
    });
    const { status } = await send.ended;
    await recv.interrupt();
    return status;
  }

  it('is read again at SIGHUP: what it dials changes while it runs', async () => {
    await writeFile(file, 'content');
    await write({ dial: [] });
    const relay = await startRelay({ listen: 'tcp://0.0.0.0:0', flags: ['--config', config] });
    expect(await attempt(relay)).toBe(4);
    await write({ dial: ['loopback'] });
    relay.run.child.kill('SIGHUP');
    expect((await relay.run.event('note')).message).toBe(`${config} was read again`);
    expect(await attempt(relay)).toBe(0);
    await write({ dial: ['everywhere'] });
    relay.run.child.kill('SIGHUP');
    const { code, message } = await relay.run.event('error');
    expect(code).toBe('ERR_XFER_USAGE');
    expect(message).toBe(
      `${config}: dial.0: cannot dial by the rule "everywhere" (give public, private, loopback, any, an address or a network such as 10.1.0.0/16); the configuration stays as it was`,
    );
    expect(await attempt(relay)).toBe(0);
    expect((await stop(relay.run)).status).toBe(0);
  });

  it('says where to listen, unless flags do', async () => {
    await write({
      listen: ['tcp://127.0.0.1:0', 'tcp://127.0.0.2:0'],
      metrics: '0',
      limits: { maxStreams: 77 },
    });
    const run = await runXfer(['relay', '--config', config, '--json']);
    const { addresses, metrics = '' } = await run.event('listening');
    expect(addresses).toEqual([
      expect.stringContaining('tcp://127.0.0.1:'),
      expect.stringContaining('tcp://127.0.0.2:'),
    ]);
    expect(await (await fetch(metrics.replace(/metrics$/, 'healthz'))).json()).toMatchObject({
      maxStreams: 77,
    });
    await stop(run);
    const other = await runXfer(['relay', '--config', config, '--listen', 'tcp://127.0.0.3:0', '--json']);
    expect((await other.event('listening')).addresses).toEqual([expect.stringContaining('tcp://127.0.0.3:')]);
    await stop(other);
  });

  it('has it listen on wss', async () => {
    await writeFile(file, 'content');
    await write({ listen: ['wss://127.0.0.1:0'], tls: tlsFiles, dial: ['loopback'] });
    const run = await runXfer(['relay', '--config', config, '--json', '--metrics', '0']);
    const { addresses, metrics = '' } = await run.event('listening');
    const { recv, address, code } = await startReceiverHere(out);
    const env = { XFER_CODE: code, NODE_EXTRA_CA_CERTS: tlsFiles.certificate };
    const send = await runXfer(['send', file, address, '--via', addresses[0] ?? '', '--json'], { env });
    expect([(await send.ended).status, (await recv.ended).status]).toEqual([0, 0]);
    const text = await (await fetch(metrics)).text();
    expect(parseExposition(text).value('xfer_connections{direction="in",transport="wss"}')).toBe(0);
    await stop(run);
  });

  it('may be wrong: the field is named', async () => {
    await write({ peers: [{ name: 'alice', key: 'k7qd-3mzp-abcd-efgh-2345' }] });
    const run = await runXfer(['relay', '--config', config, '--json']);
    expect(failureOf(await run.ended)).toMatchObject({
      code: 'ERR_XFER_USAGE',
      status: 2,
      message: expect.stringContaining(`${config}: peers.0.key: a fingerprint is not the key`) as string,
    });
  });

  it.each([
    ['a file that is not there', ['--config', '/nowhere/relay.json'], 'ERR_XFER_NOT_FOUND', 6],
    ['no address for metrics', ['--metrics', ':9100'], 'ERR_XFER_USAGE', 2],
    ['no duration', ['--drain-timeout', 'soon'], 'ERR_XFER_USAGE', 2],
    ['no level', ['--log-level', 'loud'], 'ERR_XFER_USAGE', 2],
    ['a dashboard and --json', ['--dashboard'], 'ERR_XFER_USAGE', 2],
  ])('%s is an error', async (_, flags, code, status) => {
    const run = await runXfer(['relay', '--listen', 'tcp://127.0.0.1:0', '--json', ...flags]);
    expect(failureOf(await run.ended)).toMatchObject({ code, status });
  });

  it('a metrics port that is taken is an error', async () => {
    const { metrics, run } = await startMeasured();
    const other = await runXfer([
      'relay',
      '--listen',
      'tcp://127.0.0.1:0',
      '--json',
      '--metrics',
      new URL(metrics).port,
    ]);
    expect(failureOf(await other.ended)).toMatchObject({ code: 'ERR_XFER_ADDRESS_IN_USE', status: 3 });
    await stop(run);
  });
});

describe('the log of a running relay', () => {
  const jsonLines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('is JSON on stderr, a line for whoever comes and goes', async () => {
    await writeFile(file, 'content');
    const relay = await startRelay({ flags: ['--log-level', 'debug'] });
    const { send, recv } = await beginSending(relay, '1MB/s');
    await Promise.all([send.ended, recv.ended]);
    const { stderr, status } = await stop(relay.run);
    expect(status).toBe(0);
    const lines = jsonLines(stderr);
    const messages = lines.map(({ msg }) => msg);
    expect(messages).toEqual(
      expect.arrayContaining(['listening', 'connected', 'stream opened', 'stream ended', 'disconnected']),
    );
    expect(lines.find(({ msg }) => msg === 'connected')).toMatchObject({
      source: '127.0.0.1',
      transport: 'tcp',
    });
    expect(stderr).not.toContain('file');
  });

  it('says nothing that is not asked for', async () => {
    const run = await runXfer(['relay', '--listen', 'tcp://127.0.0.1:0', '--log-level', 'error', '--json']);
    await run.event('listening');
    expect((await stop(run)).stderr).toBe('');
  });

  it('tells a failure without --json, too, as JSON', async () => {
    const run = await runXfer(['relay', '--listen', 'tcp://192.0.2.1:0']);
    const { stderr, stdout, status } = await run.ended;
    expect([stdout, status]).toEqual(['', 3]);
    expect(jsonLines(stderr).at(-1)).toMatchObject({ level: 'error', code: 'ERR_XFER_UNREACHABLE' });
  });

  it.skipIf(!hasTerminal)('is lines for people at a terminal (skipped without `script`)', async () => {
    const run = await runInTerminal(['relay', '--listen', 'tcp://127.0.0.1:0']);
    await run.until(({ stdout }) => /\d\d:\d\d:\d\d listening {2}addresses=tcp:\/\/127/.test(stdout));
    await run.kill('SIGTERM');
  });
});

describe('--dashboard', () => {
  it('needs a terminal', async () => {
    const { status, stderr } = await (await runXfer(['relay', '--dashboard'])).ended;
    expect(status).toBe(2);
    expect(stderr).toContain('--dashboard needs a terminal');
  });

  it.skipIf(!hasTerminal)('fills one until it is ended (skipped without `script`)', async () => {
    const relay = [process.execPath, program, 'relay', '--listen', 'tcp://127.0.0.1:0', '--dashboard'];
    const command = `stty rows 24 cols 100; echo pid $$; exec ${relay.join(' ')}`;
    const env = { TERM: 'xterm', SHELL: '/bin/sh' };
    const run = await runCommand(['script', '-qec', command, '/dev/null'], { env });
    await run.until(({ stdout }) => stdout.includes('nobody is connected'));
    expect(run.stdout).toMatch(/xfer relay · up \d\.\d s/);
    const [, pid] = /pid (\d+)/.exec(run.stdout) ?? [];
    process.kill(Number(pid), 'SIGTERM');
    const { status, stdout } = await run.ended;
    expect(status).toBe(0);
    // The cursor is back.
    expect(stdout).toContain('\u001b[?25h');
  });
});
