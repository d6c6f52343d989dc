import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  listenPipe,
  runPipe,
  type ListeningPipe,
  type PipeEnded,
  type PipeRunOptions,
} from '../support/run-pipe.js';

const MiB = 2 ** 20;
/** One for all of them, as they would be given it. */
const env = { XFER_CODE: '4821-crossover-clockwork-melon' };

const takers = (count: number, words: readonly string[] = [], options: PipeRunOptions = {}) =>
  Promise.all(Array.from({ length: count }, () => listenPipe(words, { env, input: '', ...options })));
const addresses = (pipes: readonly ListeningPipe[]) => pipes.map(({ address }) => address);
/** Which targets were told to be lost, and by which error. */
const targetsOf = ({ events }: Pick<PipeEnded, 'events'>) =>
  events.flatMap((event) => (event.event === 'error' ? [[event.target, event.code]] : []));
const endings = (pipes: readonly ListeningPipe[]) => Promise.all(pipes.map(({ run }) => run.ended));

describe('several destinations', () => {
  it('get everything, each', async () => {
    const input = randomBytes(5 * MiB + 3);
    const three = await takers(3);
    const giver = await runPipe(['-', ...addresses(three)], { env, input });
    const taken = await endings(three);
    const given = await giver.ended;
    expect([given.status, ...taken.map(({ status }) => status)], given.stderr).toEqual([0, 0, 0, 0]);
    for (const { stdout } of taken) expect(stdout.equals(input)).toBe(true);
  });

  it('are waited for where one has stopped, and are exact when it goes on', async () => {
    const input = randomBytes(24 * MiB);
    const flags = ['--window', '2MiB'];
    const [stopped] = await takers(1, flags, { isHeld: true });
    const others = await takers(2, flags);
    if (!stopped) throw new Error('it did not start');
    const giver = await runPipe(['-', ...addresses([stopped, ...others]), ...flags, '--slow', 'wait'], {
      env,
      input,
    });
    await others[0]?.run.until(({ bytesOut }) => bytesOut > MiB);
    expect(others[0]?.run.bytesOut).toBeLessThan(input.length);
    stopped.run.read();
    const taken = await endings([stopped, ...others]);
    expect([(await giver.ended).status, ...taken.map(({ status }) => status)]).toEqual([0, 0, 0, 0]);
    for (const { stdout } of taken) expect(stdout.equals(input)).toBe(true);
  });

  it('see the end when they have all, whoever else is waited for', async () => {
    const input = randomBytes(MiB);
    const [stopped] = await takers(1, [], { isHeld: true });
    const [other] = await takers(1);
    if (!stopped || !other) throw new Error('they did not start');
    const giver = await runPipe(['-', ...addresses([stopped, other])], { env, input });
    const { status, stdout } = await other.run.ended;
    expect([status, stdout.equals(input)]).toEqual([0, true]);
    expect(giver.events.some(({ event }) => event === 'done')).toBe(false);
    stopped.run.read();
    const taken = await stopped.run.ended;
    expect([(await giver.ended).status, taken.status, taken.stdout.equals(input)]).toEqual([0, 0, true]);
  });

  it('go on without one that has stopped under --slow drop', async () => {
    const input = randomBytes(24 * MiB);
    const flags = ['--window', '2MiB'];
    const [stopped] = await takers(1, flags, { isHeld: true });
    const others = await takers(2, flags);
    if (!stopped) throw new Error('it did not start');
    const giver = await runPipe(['-', ...addresses([stopped, ...others]), ...flags, '--slow', 'drop'], {
      env,
      input,
      timeoutMs: 60_000,
    });
    const taken = await endings(others);
    expect(taken.map(({ status }) => status)).toEqual([0, 0]);
    for (const { stdout } of taken) expect(stdout.equals(input)).toBe(true);
    const given = await giver.ended;
    expect(given.status).toBe(3);
    expect(given.events).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'ERR_XFER_TOO_SLOW', target: stopped.address }),
    );
    await stopped.run.kill();
  }, 60_000);

  it('share lines by --balance: each comes out once, whole', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at} ${'x'.repeat(at % 300)}`);
    const three = await takers(3);
    const giver = await runPipe(['-', ...addresses(three), '--balance', '--frame', 'lines'], {
      env,
      input: lines.map((line) => `${line}\n`).join(''),
    });
    const taken = await endings(three);
    expect((await giver.ended).status).toBe(0);
    const came = taken.flatMap(({ stdout }) => stdout.toString().split('\n').slice(0, -1));
    expect(came.sort()).toEqual([...lines].sort());
  });
});

describe('a destination whose process is stopped', () => {
  const flags = ['--window', '2MiB'];

  it('is let go under --slow drop, and the others get all', async () => {
    const input = randomBytes(24 * MiB);
    const [stopped, ...others] = await takers(3, flags);
    if (!stopped) throw new Error('it did not start');
    const giver = await runPipe(['-', ...addresses([stopped, ...others]), ...flags, '--slow', 'drop'], {
      env,
    });
    giver.stdin.write(input.subarray(0, MiB));
    await stopped.run.until(({ bytesOut }) => bytesOut > 0);
    stopped.run.child.kill('SIGSTOP');
    giver.stdin.end(input.subarray(MiB));
    const taken = await endings(others);
    expect(taken.map(({ status }) => status)).toEqual([0, 0]);
    for (const { stdout } of taken) expect(stdout.equals(input)).toBe(true);
    const given = await giver.ended;
    expect([given.status, targetsOf(given)]).toEqual([3, [[stopped.address, 'ERR_XFER_TOO_SLOW']]]);
    await stopped.run.kill();
  });

  it('goes on under --slow wait when it does, and all are exact', async () => {
    const input = randomBytes(24 * MiB);
    const [stopped, ...others] = await takers(3, flags);
    if (!stopped) throw new Error('it did not start');
    const giver = await runPipe(['-', ...addresses([stopped, ...others]), ...flags], { env });
    giver.stdin.write(input.subarray(0, MiB));
    await stopped.run.until(({ bytesOut }) => bytesOut > 0);
    stopped.run.child.kill('SIGSTOP');
    giver.stdin.end(input.subarray(MiB));
    await others[0]?.run.until(({ bytesOut }) => bytesOut > MiB);
    stopped.run.child.kill('SIGCONT');
    const taken = await endings([stopped, ...others]);
    expect([(await giver.ended).status, ...taken.map(({ status }) => status)]).toEqual([0, 0, 0, 0]);
    for (const { stdout } of taken) expect(stdout.equals(input)).toBe(true);
  });

  it('at the end of the content is lost by its silence', async () => {
    const [stopped, ...others] = await takers(3);
    if (!stopped) throw new Error('it did not start');
    const giver = await runPipe(['-', ...addresses([stopped, ...others]), '--retry', '1s'], { env });
    giver.stdin.write('some, ');
    await stopped.run.until(({ bytesOut }) => bytesOut > 0);
    stopped.run.child.kill('SIGSTOP');
    giver.stdin.end('all');
    const taken = await endings(others);
    expect(taken.map(({ status, stdout }) => [status, stdout.toString()])).toEqual([
      [0, 'some, all'],
      [0, 'some, all'],
    ]);
    const given = await giver.ended;
    expect(given.status).toBe(3);
    expect(targetsOf(given).map(([target]) => target)).toEqual([stopped.address]);
    await stopped.run.kill();
  }, 60_000);
});

describe('several sources', () => {
  it('are gathered by lines, none of them torn, those of each in order', async () => {
    const letters = ['a', 'b', 'c'];
    const givers = await Promise.all(
      letters.map((letter) =>
        listenPipe(['-'], {
          env,
          input: Array.from({ length: 5000 }, (_, at) => `${letter} ${at} ${letter.repeat(at % 200)}\n`).join(
            '',
          ),
        }),
      ),
    );
    const taker = await runPipe([...addresses(givers), '-', '--frame', 'lines'], { env });
    const taken = await taker.ended;
    expect([taken.status, ...(await endings(givers)).map(({ status }) => status)], taken.stderr).toEqual([
      0, 0, 0, 0,
    ]);
    const lines = taken.stdout.toString().split('\n').slice(0, -1);
    expect(lines).toHaveLength(15_000);
    for (const letter of letters) {
      const own = lines.filter((line) => line.startsWith(letter));
      expect(own).toEqual(
        Array.from({ length: 5000 }, (_, at) => `${letter} ${at} ${letter.repeat(at % 200)}`),
      );
    }
  });

  it('are gathered by frames, none of them torn', async () => {
    const framed = (letter: string) =>
      Buffer.concat(
        Array.from({ length: 500 }, (_, at) => {
          const frame = Buffer.alloc(4 + at * 7, letter);
          frame.writeUInt32BE(at * 7);
          return frame;
        }),
      );
    const flags = ['--frame', 'len32'];
    const givers = await Promise.all(
      ['a', 'b'].map((letter) => listenPipe(['-', ...flags], { env, input: framed(letter) })),
    );
    const taken = await (await runPipe([...addresses(givers), '-', ...flags], { env })).ended;
    expect(taken.status, taken.stderr).toBe(0);
    const counts = new Map<string, number>();
    for (let at = 0; at < taken.stdout.length;) {
      const length = taken.stdout.readUInt32BE(at);
      const frame = taken.stdout.subarray(at + 4, at + 4 + length).toString();
      expect(new Set(frame).size).toBeLessThan(2);
      expect(frame).toHaveLength(length);
      counts.set(frame.slice(0, 1), (counts.get(frame.slice(0, 1)) ?? 0) + 1);
      at += 4 + length;
    }
    expect(counts).toEqual(
      new Map([
        ['', 2],
        ['a', 499],
        ['b', 499],
      ]),
    );
  });

  it('are refused where what comes is not framed as was said', async () => {
    const listening = await listenPipe([], { env, input: '' });
    const giver = await runPipe([listening.address, '--frame', 'len32'], { env, input: 'no frame' });
    const [given, taken] = await Promise.all([giver.ended, listening.run.ended]);
    expect([given.status, taken.status]).toEqual([5, 5]);
    for (const { stderr } of [given, taken]) expect(stderr).toContain('a message is longer than 100 MiB');
  });
});
