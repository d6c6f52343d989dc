import { describe, expect, it } from 'vitest';
import { startRelay } from '../support/start-relay.js';
import { CutProxy, type CutPlace } from '../support/cut-proxy.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import { lanesOf, SurvivingPipe, type PipeWay } from '../support/surviving-pipe.js';

const MiB = 2 ** 20;
const limit = { timeout: 90_000 };
/** The same seed cuts at the same places. */
const seed = Number(process.env['XFER_CUT_SEED'] ?? Date.now() % 100_000);
const ways: readonly PipeWay[] = ['up', 'down', 'duplex'];

describe('a pipe whose connection is cut', () => {
  it.each(ways)('goes on where it stopped, %s', limit, async (way) => {
    const pipe = await SurvivingPipe.open({ way });
    // Until then there is no session that could be saved; now its channel is being opened.
    await pipe.dialer.until(({ events }) => events.some(({ event }) => event === 'connected'));
    for (const share of [0, 0.2, 0.4, 0.6, 0.8]) {
      await pipe.until(share);
      pipe.proxy?.cut();
    }
    await pipe.expectWhole();
    expect(lanesOf(pipe.dialer).up).toBeGreaterThan(1);
  });

  it('goes on when the network is back after a while', limit, async () => {
    const pipe = await SurvivingPipe.open({});
    await pipe.until(0.3);
    pipe.proxy?.down();
    await pipe.dialer.until(({ events }) => events.some(({ event }) => event === 'note'));
    setTimeout(() => pipe.proxy?.up(), 1000);
    await pipe.expectWhole();
  });

  it('keeps its order when one lane of four is lost', limit, async () => {
    const pipe = await SurvivingPipe.open({
      bytes: 48 * MiB,
      dialerFlags: ['--lanes', '4', '--limit', '24MB/s'],
    });
    await pipe.dialer.until((run) => lanesOf(run).up >= 4);
    pipe.proxy?.cut(1);
    await pipe.dialer.until((run) => lanesOf(run).down >= 1);
    await pipe.until(0.5);
    pipe.proxy?.cut(2);
    await pipe.expectWhole();
  });

  it('pauses its source, and no more, while the consumer sleeps', limit, async () => {
    const flags = ['--window', '2MiB'];
    const pipe = await SurvivingPipe.open({ flags, listener: { isHeld: true, input: '' } });
    // Both windows, and the pipe behind stdout.
    const { events } = pipe.dialer;
    const held = () => events.findLast((event) => event.event === 'progress');
    await pipe.dialer.until(() => (held()?.heldBytes ?? 0) > 1.5 * MiB);
    pipe.proxy?.cut();
    await pipe.dialer.until((run) => lanesOf(run).up > 1);
    pipe.proxy?.cut();
    await pipe.dialer.until((run) => lanesOf(run).up > 2);
    expect(pipe.dialer.child.exitCode).toBeNull();
    pipe.listener.read();
    await pipe.expectWhole();
  });

  it.each(ways)(`ends well wherever in a short stream it is cut, %s (seed ${seed})`, limit, async (way) => {
    const short = { way, bytes: 3000, dialerFlags: ['--lanes', '1'] };
    const whole = await SurvivingPipe.open(short);
    await whole.expectWhole();
    const { passed } = whole.proxy ?? { passed: { up: 0, down: 0 } };
    const random = new FuzzRandom(seed + ways.indexOf(way));
    // While the channel is opened, and in what finishes it, says that all is delivered and ends the session.
    const places: readonly CutPlace[] = [
      random.chance(2)
        ? { direction: 'up', bytes: 900 + random.below(300) }
        : { direction: 'down', bytes: 680 + random.below(60) },
      { direction: 'up', bytes: passed.up - 60 - random.below(90) },
      { direction: 'down', bytes: passed.down - 60 - random.below(90) },
    ];
    const cutAt = async (cutBehind: CutPlace) => {
      const pipe = await SurvivingPipe.open({ ...short, cutBehind });
      await pipe.expectWhole();
    };
    await Promise.all(places.map(cutAt));
  });
});

describe('a pipe over a relay', () => {
  it('survives the death of it', limit, async () => {
    const relay = await startRelay({ flags: ['--dial', 'any'] });
    const pipe = await SurvivingPipe.open({ via: [relay.url] });
    await pipe.until(0.3);
    await relay.run.kill();
    const again = await startRelay({ flags: ['--dial', 'any'], listen: relay.url });
    await pipe.expectWhole();
    await again.run.kill();
  });

  it('goes on over another one', limit, async () => {
    const [one, other] = await Promise.all([
      startRelay({ flags: ['--dial', 'any'] }),
      startRelay({ flags: ['--dial', 'any'] }),
    ]);
    const pipe = await SurvivingPipe.open({ via: [`${one.url},${other.url}`] });
    await pipe.until(0.3);
    await one.run.kill();
    await pipe.expectWhole();
    await other.run.kill();
  });

  it.each(ways)('survives in a room, %s', limit, async (way) => {
    const relay = await startRelay();
    const proxy = await CutProxy.open({ behind: relay.url });
    const pipe = await SurvivingPipe.meet(way, { listener: relay.url, dialer: proxy.url });
    await pipe.until(0.2);
    proxy.cut();
    await pipe.until(0.5);
    await relay.run.kill();
    const again = await startRelay({ listen: relay.url });
    await pipe.expectWhole();
    await again.run.kill();
  });
});

// What takes time in these is waiting.
describe.concurrent('a pipe that is not saved', () => {
  /** The window, a dial of 10 s, and what a busy machine takes. */
  const longestMs = 20_000;
  const inTime = async (work: () => Promise<void>) => {
    const from = performance.now();
    await work();
    expect(performance.now() - from).toBeLessThan(longestMs);
  };

  it.each(ways)('ends at once on both sides under --retry 0, %s', limit, async (way) => {
    const pipe = await SurvivingPipe.open({ way, isByHand: true, flags: ['--retry', '0'] });
    pipe.writer.stdin.write('a');
    await pipe.reader.until(({ bytesOut }) => bytesOut === 1);
    await inTime(() => {
      pipe.proxy?.cut();
      return pipe.expectLost();
    });
  });

  it.each(ways)('ends on both sides when --retry runs out, %s', limit, async (way) => {
    const pipe = await SurvivingPipe.open({ way, isByHand: true, flags: ['--retry', '2s'] });
    pipe.writer.stdin.write('a');
    await pipe.reader.until(({ bytesOut }) => bytesOut === 1);
    await inTime(() => {
      pipe.proxy?.down();
      return pipe.expectLost();
    });
  });

  it.each(['dialer', 'listener'] as const)('ends when the %s is killed', limit, async (killed) => {
    const pipe = await SurvivingPipe.open({ isByHand: true, flags: ['--retry', '2s'] });
    pipe.writer.stdin.write('a');
    await pipe.reader.until(({ bytesOut }) => bytesOut === 1);
    await pipe[killed].kill();
    await inTime(() => pipe.expectLost([killed === 'dialer' ? pipe.listener : pipe.dialer]));
  });

  it('ends while its reader sleeps and its source is silent', limit, async () => {
    const flags = ['--retry', '2s', '--window', '2MiB'];
    const pipe = await SurvivingPipe.open({ bytes: 8 * MiB, flags, listener: { isHeld: true, input: '' } });
    await pipe.dialer.until(({ events }) => events.some(({ event }) => event === 'progress'));
    await inTime(() => {
      pipe.proxy?.down();
      return pipe.expectLost();
    });
  });
});
