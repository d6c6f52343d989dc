import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { program } from '../support/run-through.js';
import { listenPipe, pipeErrorOf, runPipe } from '../support/run-pipe.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { startRelay } from '../support/start-relay.js';

const MiB = 2 ** 20;
const env = { XFER_CODE: '4821-crossover-clockwork-melon' };
const len32 = ['--frame', 'len32'];

const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};
const frame = (length: number, letter: string): Buffer =>
  Buffer.concat([header(length), Buffer.alloc(length, letter)]);

/** The frames by their letter and length, in order of the letter; throws where one is torn. */
function framesOf(content: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < content.length;) {
    const length = content.readUInt32BE(at);
    const payload = content.subarray(at + 4, at + 4 + length);
    if (payload.length < length || !payload.equals(Buffer.alloc(length, payload[0])))
      throw new Error(`the frame at ${at} is torn`);
    found.push(`${payload.subarray(0, 1).toString()}${length}`);
    at += 4 + length;
  }
  return found.sort();
}

describe('frames', () => {
  it('of more than a block, up to tens of MiB, are gathered whole', async () => {
    const lengths = { a: [1, MiB + 1, 30 * MiB, 7], b: [1, 12 * MiB, 7], c: [MiB + 1, 1, 7] };
    const givers = await Promise.all(
      Object.entries(lengths).map(([letter, those]) =>
        listenPipe(['-', ...len32], {
          env,
          input: Buffer.concat(those.map((length) => frame(length, letter))),
        }),
      ),
    );
    const taker = await runPipe([...givers.map(({ address }) => address), '-', ...len32], { env });
    const taken = await taker.ended;
    expect(taken.status, taken.stderr).toBe(0);
    const wanted = Object.entries(lengths).flatMap(([letter, those]) =>
      those.map((length) => `${letter}${length}`),
    );
    expect(framesOf(taken.stdout)).toEqual(wanted.sort());
  }, 60_000);

  it('of more than 100 MiB are refused on both sides as soon as they are announced', async () => {
    const listening = await listenPipe([], { env, input: '' });
    const giver = await runPipe([listening.address, ...len32], { env });
    giver.stdin.write(header(100 * MiB + 1));
    const [given, taken] = await Promise.all([giver.ended, listening.run.ended]);
    expect([given.status, taken.status]).toEqual([5, 5]);
    for (const { stderr } of [given, taken]) expect(stderr).toContain('a message is longer than 100 MiB');
  });

  it('that the content ends within are refused on both sides', async () => {
    const listening = await listenPipe([], { env, input: '' });
    const giver = await runPipe([listening.address, ...len32], { env, input: frame(10, 'a').subarray(0, 9) });
    const [given, taken] = await Promise.all([giver.ended, listening.run.ended]);
    expect([given.status, taken.status]).toEqual([5, 5]);
    for (const { stderr } of [given, taken]) expect(stderr).toContain('ends within a message');
  });

  it('are kept over a relay and by a machine between', async () => {
    const relay = await startRelay();
    const via = ['--via', relay.url];
    const input = Buffer.concat([frame(5, 'a'), frame(0, 'b'), frame(2 * MiB, 'c')]);
    const last = await runPipe(['--listen', 'room:last', ...via, ...len32], { env, input: '' });
    await last.listening();
    const between = await runPipe(['--listen', 'room:between', 'room:last', ...via], { env, input: '' });
    await between.listening();
    const giver = await runPipe(['room:between', ...via, ...len32], { env, input });
    const [given, passed, taken] = await Promise.all([giver.ended, between.ended, last.ended]);
    expect([given.status, passed.status, taken.status], given.stderr + passed.stderr).toEqual([0, 0, 0]);
    expect(taken.stdout.equals(input)).toBe(true);
    await relay.run.kill();
  });

  it('that come down over a machine between are known there, and become lines', async () => {
    const source = await listenPipe(['-', ...len32], {
      env,
      input: Buffer.concat([frame(5, 'a'), frame(0, 'b'), frame(3, 'c')]),
    });
    const between = await runPipe([source.address, 'listen:tcp://127.0.0.1:0'], { env, input: '' });
    const { addresses } = await between.listening();
    const taker = await runPipe([...addresses, '-', '--frame', 'lines'], { env });
    const [taken, passed] = await Promise.all([taker.ended, between.ended]);
    expect([taken.status, passed.status], taken.stderr + passed.stderr).toEqual([0, 0]);
    expect(taken.stdout.toString()).toBe('aaaaa\n\nccc\n');
  });

  it('go from a port to a port', async () => {
    const server = createServer();
    const content = once(server, 'connection').then(([socket]) => buffer(socket as Socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const exit = await listenPipe([`tcp-connect:127.0.0.1:${port}`], { env });
    const entry = await runPipe(['tcp-listen:127.0.0.1:0', exit.address, ...len32], { env });
    const portOf = () => / tcp-listen:127\.0\.0\.1:(\d+)/.exec(entry.stderr)?.[1];
    await entry.until(() => portOf() !== undefined);
    // A pipe that ends resets it, if it has not ended by then.
    const client = connect(Number(portOf()), '127.0.0.1').on('error', () => undefined);
    const input = Buffer.concat([frame(70_000, 'a'), frame(MiB, 'b')]);
    client.write(input.subarray(0, 2));
    client.end(input.subarray(2));
    expect((await content).equals(input)).toBe(true);
    const [given, taken] = await Promise.all([entry.ended, exit.run.ended]);
    expect([given.status, taken.status], given.stderr + taken.stderr).toEqual([0, 0]);
  });
});

describe('lines', () => {
  it('are gathered into a file, the last ones too', async () => {
    const path = join(await temporaryDirectory(), 'lines');
    const givers = await Promise.all(
      ['a', 'b', 'c'].map((letter) =>
        listenPipe(['-'], { env, input: `${letter}1\n${letter} and no newline` }),
      ),
    );
    const words = [...givers.map(({ address }) => address), '-', '--frame', 'lines'];
    const { PATH } = process.env;
    const child = spawn(
      'bash',
      ['-c', `exec "$0" "$@" > '${path}'`, process.execPath, program, 'pipe', ...words],
      {
        env: { PATH, XFER_HOME: await temporaryDirectory(), ...env },
        timeout: 30_000,
      },
    );
    const [status] = (await once(child, 'exit')) as [number];
    expect(status).toBe(0);
    expect((await readFile(path, 'utf8')).split('\n').sort()).toEqual(
      ['', ...['a', 'b', 'c'].flatMap((letter) => [`${letter}1`, `${letter} and no newline`])].sort(),
    );
  });

  it('of a source that is killed come as far as they are whole, and those of the others all', async () => {
    const givers = await Promise.all(['a', 'b', 'c'].map(() => listenPipe(['-'], { env })));
    const [killed, ...others] = givers;
    if (!killed) throw new Error('it did not start');
    const addresses = givers.map(({ address }) => address);
    const taker = await runPipe([...addresses, '-', '--frame', 'lines', '--retry', '1s'], { env });
    killed.run.stdin.write('whole\nbegun');
    await taker.until(({ bytesOut }) => bytesOut > 0);
    void killed.run.kill();
    await taker.until(({ events }) => events.some(({ event }) => event === 'error'));
    for (const { run } of others) run.stdin.end('x\nlast');
    const taken = await taker.ended;
    expect(taken.stdout.toString().split('\n').sort()).toEqual(['', 'last', 'last', 'whole', 'x', 'x']);
    expect([taken.status, pipeErrorOf(taken)]).toEqual([3, 'ERR_XFER_CONNECTION_LOST']);
    const told = taken.events.find(({ event }) => event === 'error');
    expect(told).toMatchObject({ target: killed.address });
    for (const { run } of others) expect((await run.ended).status).toBe(0);
  });

  it('that are balanced all come out but those that one held when it was killed, a window at most', async () => {
    const lines = Array.from({ length: 60_000 }, (_, at) => `line ${at} ${'x'.repeat(at % 300)}`);
    const input = lines.map((line) => `${line}\n`).join('');
    const flags = ['--window', '2MiB'];
    const three = await Promise.all(
      [0, 1, 2].map((at) => listenPipe(flags, { env, input: '', isHeld: at === 0 })),
    );
    const [killed, ...others] = three;
    if (!killed) throw new Error('it did not start');
    const giver = await runPipe(
      [
        ...['-', ...three.map(({ address }) => address)],
        ...['--balance', '--frame', 'lines', '--retry', '1s', ...flags],
      ],
      { env },
    );
    const half = lines
      .slice(0, lines.length / 2)
      .map((line) => `${line}\n`)
      .join('');
    giver.stdin.write(half);
    // It has taken some by then, which nobody over there has read.
    await others[0]?.run.until(({ bytesOut }) => bytesOut > MiB);
    void killed.run.kill();
    await giver.until(({ events }) => events.some(({ event }) => event === 'error'));
    giver.stdin.end(input.slice(half.length));
    const [given, ...taken] = await Promise.all([giver.ended, ...others.map(({ run }) => run.ended)]);
    expect([given.status, ...taken.map(({ status }) => status)], given.stderr).toEqual([3, 0, 0]);
    const came = new Set(taken.flatMap(({ stdout }) => stdout.toString().split('\n').slice(0, -1)));
    const lost = lines.filter((line) => !came.has(line));
    expect(lost.reduce((sum, line) => sum + line.length + 1, 0)).toBeLessThanOrEqual(2 * MiB);
    // None of those that were written when it was gone.
    expect(lines.slice(lines.length / 2).filter((line) => !came.has(line))).toEqual([]);
  });
});
