import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dialPipe, listenPipe, pipeErrorOf, runPipe, type PipeRunOptions } from '../support/run-pipe.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { startRelay } from '../support/start-relay.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Through both sides: what came out, and how each ended. */
async function through(
  input: Uint8Array | undefined,
  flags: readonly string[] = [],
  options: { dialer?: PipeRunOptions; listener?: PipeRunOptions & { listen?: string } } = {},
) {
  // Nobody reads what the other side is given.
  const listening = await listenPipe([], { input: 'not this', ...options.listener });
  const dialer = await dialPipe(listening, flags, { ...(input ? { input } : {}), ...options.dialer });
  const [given, taken] = await Promise.all([dialer.ended, listening.run.ended]);
  return { given, taken, statuses: [given.status, taken.status] };
}

describe('a pipe', () => {
  it.each([0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 10 * MiB])(
    'carries %i bytes from stdin to stdout, and both sides end well',
    async (size) => {
      const input = randomBytes(size);
      const { given, taken, statuses } = await through(input);
      expect(statuses, given.stderr + taken.stderr).toEqual([0, 0]);
      expect(taken.stdout.equals(input)).toBe(true);
      // Nothing goes the other way.
      expect(given.stdout).toHaveLength(0);
      expect(taken.events).toContainEqual(expect.objectContaining({ event: 'connected', transport: 'tcp' }));
    },
  );

  it.each(['ws', 'udp', 'quic'])('goes over %s', async (transport) => {
    const input = randomBytes(3 * MiB + 7);
    const { given, taken, statuses } = await through(input, [], {
      listener: { listen: `${transport}://127.0.0.1:0` },
    });
    expect(statuses, given.stderr + taken.stderr).toEqual([0, 0]);
    expect(taken.stdout.equals(input)).toBe(true);
    const connected = taken.events.find(({ event }) => event === 'connected');
    expect(connected).toMatchObject({ transport });
  });

  it('keeps its order over four lanes', async () => {
    const input = randomBytes(16 * MiB);
    const { given, taken, statuses } = await through(input, ['--lanes', '4']);
    expect(statuses, given.stderr + taken.stderr).toEqual([0, 0]);
    expect(taken.stdout.equals(input)).toBe(true);
  });

  it('arrives the same compressed: what shrinks, and what does not', async () => {
    const shrinking = Buffer.alloc(4 * MiB, 'xfer ');
    const input = Buffer.concat([shrinking, randomBytes(4 * MiB), shrinking]);
    const { taken, statuses } = await through(input, ['--compress', 'lz4']);
    expect(statuses).toEqual([0, 0]);
    expect(taken.stdout.equals(input)).toBe(true);
  });

  it('is live: what is written comes out while more may follow', async () => {
    const listening = await listenPipe([], { input: '' });
    const dialer = await dialPipe(listening, ['--no-delay']);
    for (const word of ['one', 'two', 'three']) {
      const before = listening.run.bytesOut;
      dialer.stdin.write(word);
      await listening.run.until((run) => run.bytesOut === before + word.length);
    }
    dialer.stdin.end();
    expect((await dialer.ended).status).toBe(0);
    expect((await listening.run.ended).stdout.toString()).toBe('onetwothree');
  });

  it('goes from whoever listens to whoever comes', async () => {
    const input = randomBytes(MiB);
    const listening = await listenPipe(['-'], { input });
    const dialer = await dialPipe(listening, ['-']);
    const taken = await dialer.ended;
    expect(taken.stdout.equals(input)).toBe(true);
    expect([taken.status, (await listening.run.ended).status]).toEqual([0, 0]);
  });

  it('goes both ways, each of which ends by itself', async () => {
    const listening = await listenPipe(['--duplex']);
    const dialer = await dialPipe(listening, ['--duplex'], { input: 'question' });
    await listening.run.until((run) => run.bytesOut === 8);
    // That way has ended; the other one goes on.
    listening.run.stdin.end('answer');
    const [asked, answered] = await Promise.all([dialer.ended, listening.run.ended]);
    expect([asked.status, answered.status], asked.stderr + answered.stderr).toEqual([0, 0]);
    expect([asked.stdout.toString(), answered.stdout.toString()]).toEqual(['answer', 'question']);
  });

  it('meets at a relay', async () => {
    const relay = await startRelay();
    const via = ['--via', relay.url];
    const input = randomBytes(2 * MiB);
    const taker = await runPipe(['--listen', 'room:', ...via], { input: '' });
    const { code = '' } = await taker.listening();
    const giver = await runPipe(['room:', ...via], { input, env: { XFER_CODE: code } });
    const [given, taken] = await Promise.all([giver.ended, taker.ended]);
    expect([given.status, taken.status], given.stderr + taken.stderr).toEqual([0, 0]);
    expect(taken.stdout.equals(input)).toBe(true);
    await relay.run.kill();
  });

  it('needs no code between those who know each other', async () => {
    const [giverHome, takerHome] = [await temporaryDirectory(), await temporaryDirectory()];
    const paired = await through(Buffer.from('a'), ['--remember', '--as', 'taker'], {
      dialer: { home: giverHome },
      listener: { home: takerHome },
    });
    expect(paired.statuses).toEqual([0, 0]);
    // The listener has to remember, too.
    const again = await listenPipe(['--remember', '--as', 'giver'], { home: takerHome, input: '' });
    const dialer = await dialPipe(again, ['--remember'], { home: giverHome, input: 'b' });
    expect([(await dialer.ended).status, (await again.run.ended).status]).toEqual([0, 0]);
    const known = await listenPipe(['--allow', 'giver'], { home: takerHome, input: '' });
    expect(known.code).toBe('');
    const last = await runPipe([known.address, '--peer', 'taker'], { home: giverHome, input: 'c' });
    expect([(await last.ended).status, (await known.run.ended).stdout.toString()]).toEqual([0, 'c']);
  });

  it('lets nobody in with a wrong code', async () => {
    const { address, run } = await listenPipe([], { input: '' });
    const dialer = await dialPipe({ address, code: '1-wrong-wrong-wrong-wrong' }, [], { input: 'x' });
    const ended = await dialer.ended;
    expect([ended.status, pipeErrorOf(ended)]).toEqual([4, 'ERR_XFER_WRONG_CODE']);
    expect(run.bytesOut).toBe(0);
    await run.kill();
  });

  it('is told that nobody listens', async () => {
    const nobody = { address: 'tcp://127.0.0.1:9', code: '4821-crossover-clockwork' };
    const ended = await (await dialPipe(nobody, [], { input: 'x' })).ended;
    expect([ended.status, pipeErrorOf(ended)]).toEqual([3, 'ERR_XFER_CONNECTION_REFUSED']);
  });

  it('is told what a side does not do', async () => {
    const listening = await listenPipe([], { input: '' });
    const ended = await (await dialPipe(listening, ['-'])).ended;
    expect(ended.status).toBe(4);
    expect(ended.stderr).toContain('only takes');
    await listening.run.kill();
  });
});

describe('stdin of a pipe', () => {
  it('may be a file', async () => {
    const path = join(await temporaryDirectory(), 'file');
    const input = randomBytes(5 * MiB + 1);
    await writeFile(path, input);
    const { taken, statuses } = await through(undefined, [], { dialer: { stdin: openSync(path, 'r') } });
    expect(statuses).toEqual([0, 0]);
    expect(taken.stdout.equals(input)).toBe(true);
  });

  it('may be nothing', async () => {
    const { taken, statuses } = await through(undefined, [], { dialer: { stdin: 'ignore' } });
    expect([...statuses, taken.stdout.length]).toEqual([0, 0, 0]);
  });
});

describe('the places of a pipe', () => {
  it('may be files, and programs', async () => {
    const directory = await temporaryDirectory();
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    const input = randomBytes(3 * MiB);
    await writeFile(from, input);
    const listening = await listenPipe([`exec:cat > ${to}`]);
    const dialer = await runPipe([`file:${from}`, listening.address], { env: { XFER_CODE: listening.code } });
    const [given, taken] = await Promise.all([dialer.ended, listening.run.ended]);
    expect([given.status, taken.status], given.stderr + taken.stderr).toEqual([0, 0]);
    const { readFile } = await import('node:fs/promises');
    expect((await readFile(to)).equals(input)).toBe(true);
  });

  it('fail where a program fails', async () => {
    const listening = await listenPipe([], { input: '' });
    const env = { XFER_CODE: listening.code };
    const dialer = await runPipe(['exec:echo half; exit 3', listening.address], { env });
    const [given, taken] = await Promise.all([dialer.ended, listening.run.ended]);
    expect([given.status, pipeErrorOf(given)]).toEqual([6, 'ERR_XFER_COMMAND_FAILED']);
    expect(taken.status).not.toBe(0);
  });

  it('are no hosts where they read as endpoints', async () => {
    const ended = await (await runPipe(['nosuch+pull:bind:tcp://*:5555'])).ended;
    expect([ended.status, pipeErrorOf(ended)]).toEqual([7, 'ERR_XFER_NO_ENDPOINT']);
  });
});
