import { describe, expect, it } from 'vitest';
import { startRelay } from '../support/start-relay.js';
import { CutProxy } from '../support/cut-proxy.js';
import { lanesOf, SurvivingPipe, type PipeWay } from '../support/surviving-pipe.js';

const MiB = 2 ** 20;
const limit = { timeout: 90_000 };
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

  it.each(ways)('ends well wherever in a short stream it is cut, %s', limit, async (way) => {
    const whole = await SurvivingPipe.open({ way, bytes: 3000, dialerFlags: ['--lanes', '1'] });
    await whole.expectWhole();
    const { passed } = whole.proxy ?? { passed: { up: 0, down: 0 } };
    // What opens the channel, what finishes it, what says that all is delivered, and the end of the session.
    const places = [
      ...[900, 1200, passed.up - 150, passed.up - 60].map((bytes) => ({ direction: 'up', bytes }) as const),
      ...[680, passed.down - 150, passed.down - 60].map((bytes) => ({ direction: 'down', bytes }) as const),
    ];
    for (const cutBehind of places) {
      const pipe = await SurvivingPipe.open({ way, bytes: 3000, cutBehind, dialerFlags: ['--lanes', '1'] });
      await pipe.expectWhole();
    }
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

  it('survives in a room', limit, async () => {
    const relay = await startRelay();
    const proxy = await CutProxy.open({ behind: relay.url });
    const pipe = await SurvivingPipe.meet('up', { listener: relay.url, dialer: proxy.url });
    await pipe.until(0.2);
    proxy.cut();
    await pipe.until(0.5);
    await relay.run.kill();
    const again = await startRelay({ listen: relay.url });
    await pipe.expectWhole();
    await again.run.kill();
  });
});

describe('a pipe that is not saved', () => {
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
});
