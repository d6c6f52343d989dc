import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { DoneEvent, XferEvent } from '../../../src/app/events.js';
import { pipeDefaults } from '../../../src/config/index.js';
import type { PipePlace } from '../../../src/app/pipe-options.js';
import { XferError } from '../../../src/errors/index.js';
import type { NotingBytes } from '../pipe/endpoint-fakes.js';
import { HandMessages, HandSource, NotingMessages } from '../pipe/endpoint-fakes.js';
import { HandEndpoint, listen, PipeAppKit, place, stdio, target } from './pipe-app-kit.js';

let kit: PipeAppKit;
beforeEach(async () => {
  kit = await PipeAppKit.make();
});

const brokenPipe = () => new XferError('ERR_XFER_BROKEN_PIPE', 'the reader has gone');
const hand = (name: string) => kit.give(name, new HandEndpoint(name));

describe('a pipe to another machine', () => {
  it('carries all content up, and both sides tell of it', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code });
    near.hand.push('some ', 'content').end();
    const [sent, got] = await Promise.all([dialer.over, listener.over]);
    expect(far.text).toBe('some content');
    expect(sent).toMatchObject({
      event: 'done',
      role: 'pipe',
      bytes: 12,
      files: 0,
      lanes: 1,
      transport: 'memory',
    });
    expect(got).toMatchObject({
      event: 'done',
      role: 'pipe',
      bytes: 12,
      files: 0,
      lanes: 1,
      transport: 'memory',
    });
    const namesOf = (events: readonly { event: string }[]) => new Set(events.map(({ event }) => event));
    for (const { events } of [dialer, listener])
      expect([...namesOf(events)]).toEqual(expect.arrayContaining(['connected', 'lane', 'progress', 'done']));
    // Who has dialled tells of each lane what that has carried.
    const lanesOf = (events: readonly XferEvent[]) =>
      events.flatMap((event) => (event.event === 'progress' && event.lanes ? [...event.lanes] : []));
    const [lane] = lanesOf(dialer.events);
    expect(lane).toMatchObject({ lane: 0, transport: 'memory' });
    expect(lane?.bytes).toBeGreaterThan(12);
    expect(lanesOf(listener.events)).toEqual([]);
    expect([near.isClosed, far.isClosed]).toEqual([true, true]);
    expect(kit.opened.map(({ url, use }) => [url, use])).toEqual(
      expect.arrayContaining([
        ['hand:near', 'source'],
        ['hand:far', 'sink'],
      ]),
    );
  });

  it('carries content down from a listener that gives', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), false);
    const dialer = await kit.run(listener.at, place('hand:near'), { code: listener.code });
    far.hand.push('down').end();
    await Promise.all([dialer.over, listener.over]);
    expect(near.text).toBe('down');
  });

  it('carries both ways, each with its own end', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), true, { duplex: true });
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code, duplex: true });
    near.hand.push('question').end();
    await vi.waitFor(() => expect(far.text).toBe('question'));
    far.hand.push('answer!').end();
    const [done] = await Promise.all([dialer.over, listener.over]);
    expect(near.text).toBe('answer!');
    expect(done).toMatchObject({ bytes: 15, receivedBytes: 7 });
  });

  it('tells both sides that the reader there has gone, and stops the source', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code });
    near.hand.push('one');
    await vi.waitFor(() => expect(far.text).toBe('one'));
    (far.sink as NotingBytes).broken?.(brokenPipe());
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(near.hand.isStopped).toBe(true);
  });

  it('tells the side that gives when the reader here has gone', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), false);
    const dialer = await kit.run(listener.at, place('hand:near'), { code: listener.code });
    far.hand.push('one');
    await vi.waitFor(() => expect(near.text).toBe('one'));
    (near.sink as NotingBytes).broken?.(brokenPipe());
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(far.hand.isStopped).toBe(true);
  });

  it('tells the other side that its source failed, which does not pass for an end', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code });
    near.hand.push('half', new XferError('ERR_XFER_COMMAND_FAILED', 'it died'));
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_COMMAND_FAILED', message: 'it died' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_COMMAND_FAILED' });
    expect(far.sink).toMatchObject({ isEnded: false, aborted: { code: 'ERR_XFER_COMMAND_FAILED' } });
    expect(far.text).toBe('half');
  });

  it('tells the other side why its own place cannot be opened', async () => {
    hand('far');
    kit.failures.set('near', new XferError('ERR_XFER_NOT_FOUND', 'there is no such file'));
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code });
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_NOT_FOUND' });
    await expect(listener.over).rejects.toMatchObject({
      code: 'ERR_XFER_NOT_FOUND',
      message: 'the other side: there is no such file',
    });
  });

  it('fails as the endpoint over there does that cannot be opened', async () => {
    hand('near').hand.push('content').end();
    kit.failures.set('far', new XferError('ERR_XFER_UNKNOWN_HOST', 'there is no such host'));
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code });
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_UNKNOWN_HOST' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_UNKNOWN_HOST' });
  });

  it('is refused by a listener that only takes, when content is to come down', async () => {
    hand('near');
    hand('far');
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(listener.at, place('hand:near'), { code: listener.code });
    await expect(dialer.over).rejects.toMatchObject({
      code: 'ERR_XFER_REFUSED',
      message: expect.stringContaining('only takes') as string,
    });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
  });

  it('spends the code of a listener with a wrong guess, which ends it', async () => {
    hand('near').hand.end();
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: '1234-wrong-wrong-wrong-wrong' });
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_WRONG_CODE' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_WRONG_CODE' });
  });

  it('ends on both sides when one is interrupted', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const stop = new AbortController();
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, {
      code: listener.code,
      signal: stop.signal,
    });
    near.hand.push('some');
    await vi.waitFor(() => expect(far.text).toBe('some'));
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_PEER_INTERRUPTED' });
    expect([near.isClosed, far.isClosed, near.hand.isStopped]).toEqual([true, true, true]);
  });

  it('fails on both sides when the connection is lost and not tried again', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), true, { retryMs: 0 });
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code, retryMs: 0 });
    near.hand.push('some');
    await vi.waitFor(() => expect(far.text).toBe('some'));
    for (const link of kit.links) link.break(new Error('cut'));
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    expect([near.hand.isStopped, near.isClosed, far.isClosed]).toEqual([true, true, true]);
  });

  it('keeps messages whole', async () => {
    const messages = [[[Buffer.from('a'), Buffer.from('b')], [Buffer.from('')]]];
    kit.give('near', new HandEndpoint('near', new HandMessages(messages)));
    const sink = new NotingMessages();
    kit.give('far', new HandEndpoint('far', new HandSource(), sink));
    const listener = await kit.listener(place('hand:far'), true);
    const dialer = await kit.run(place('hand:near'), listener.at, { code: listener.code });
    await Promise.all([dialer.over, listener.over]);
    expect(sink.messages).toEqual([['a', 'b'], ['']]);
  });

  it.each([
    ['up', undefined, Buffer.from([0, 0, 0, 1, 97]).toString()],
    ['up', 'lines', 'a\n'],
    ['down', 'lines', 'a\n'],
  ] as const)('cuts messages as is said where they go %s, as %s', async (way, framing, text) => {
    const giver = new HandEndpoint('giver', new HandMessages([[[Buffer.from('a')]]]));
    kit.give('giver', giver);
    const taker = hand('taker');
    const cut = framing ? { framing } : {};
    const isUp = way === 'up';
    const listener = await kit.listener(place(isUp ? 'hand:taker' : 'hand:giver'), isUp, isUp ? {} : cut);
    const { code } = listener;
    const dialer = isUp
      ? await kit.run(place('hand:giver'), listener.at, { code, ...cut })
      : await kit.run(listener.at, place('hand:taker'), { code });
    await Promise.all([dialer.over, listener.over]);
    expect(taker.text).toBe(text);
  });

  it('is refused where messages are to have no ends', async () => {
    const giver = new HandEndpoint('giver', new HandMessages([[[Buffer.from('a')]]]));
    kit.give('giver', giver);
    const listener = await kit.listener(place('hand:taker'), true);
    const { code } = listener;
    const dialer = await kit.run(place('hand:giver'), listener.at, { code, framing: 'bytes' });
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
    expect(giver.isClosed).toBe(true);
  });

  it('goes on over a machine between, which gives it on to the next', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const last = await kit.listener(place('hand:far'), true, { code: 'the code of both of them' });
    const hop = await kit.listener(last.at, true, { code: 'the code of both of them' });
    const dialer = await kit.run(place('hand:near'), hop.at, { code: 'the code of both of them' });
    near.hand.push('over two').end();
    await Promise.all([dialer.over, hop.over, last.over]);
    expect(far.text).toBe('over two');
  });

  it('is broken over a machine between when the reader goes before anything has come', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const code = 'the code of both of them';
    const giver = await kit.listener(place('hand:far'), false, { code });
    const hop = await kit.listener(giver.at, false, { code });
    const taker = await kit.run(hop.at, place('hand:near'), { code });
    await vi.waitFor(() => expect((near.sink as NotingBytes).broken).toBeDefined());
    await vi.waitFor(() => expect(giver.events.map(({ event }) => event)).toContain('connected'));
    (near.sink as NotingBytes).broken?.(brokenPipe());
    for (const { over } of [taker, hop, giver])
      await expect(over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(far.hand.isStopped).toBe(true);
  });

  it('keeps messages whole over a machine between, whichever way they go', async () => {
    const code = 'the code of both of them';
    const messages = (name: string) => [[[Buffer.from(name), Buffer.from('b')], [Buffer.from('')]]];
    const [nearSink, farSink] = [new NotingMessages(), new NotingMessages()];
    const near = () => new HandEndpoint('near', new HandMessages(messages('near')), nearSink);
    const far = () => new HandEndpoint('far', new HandMessages(messages('far')), farSink);
    kit.give('near', near());
    kit.give('far', far());
    const giver = await kit.listener(place('hand:far'), false, { code });
    const hop = await kit.listener(giver.at, false, { code });
    const taker = await kit.run(hop.at, place('hand:near'), { code });
    await Promise.all([taker.over, hop.over, giver.over]);
    expect(nearSink.messages).toEqual([['far', 'b'], ['']]);
    kit.give('near', near());
    kit.give('far', far());
    const last = await kit.listener(place('hand:far'), true, { code, duplex: true });
    const between = await kit.listener(last.at, true, { code, duplex: true });
    const first = await kit.run(place('hand:near'), between.at, { code, duplex: true });
    await Promise.all([first.over, between.over, last.over]);
    expect(nearSink.messages.slice(2)).toEqual([['far', 'b'], ['']]);
    expect(farSink.messages).toEqual([['near', 'b'], ['']]);
  });
});

describe('a pipe within this machine', () => {
  it('needs no other', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const { over } = await kit.run(place('hand:near'), place('hand:far'));
    near.hand.push('content').end();
    expect(await over).toMatchObject({ role: 'pipe', bytes: 7, lanes: 0, peer: '' });
    expect(far.text).toBe('content');
  });

  it('passes a broken pipe on to the source', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const { over } = await kit.run(place('hand:near'), place('hand:far'));
    near.hand.push('one');
    await vi.waitFor(() => expect(far.text).toBe('one'));
    (far.sink as NotingBytes).broken?.(brokenPipe());
    await expect(over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(near.hand.isStopped).toBe(true);
  });

  it('goes from stdin to stdout, as the caller gives them', async () => {
    const given = new HandEndpoint('stdio');
    hand('far');
    given.hand.push('typed').end();
    const { over } = await kit.run(stdio, place('hand:far'), { stdio: () => given });
    await over;
    expect(kit.opened[0]?.endpoint.text).toBe('typed');
  });
});

describe('a pipe to several machines', () => {
  it('gives all of them the same, and tells of each', async () => {
    const near = hand('near');
    const far = ['a', 'b'].map(hand);
    const code = 'the code of both of them';
    const one = await kit.listener(place('hand:a'), true, { code });
    const two = await kit.listener(place('hand:b'), true, { code });
    const dialer = await kit.run(place('hand:near'), [one.at, two.at], { code });
    near.hand.push('the same').end();
    const [done] = await Promise.all([dialer.over, one.over, two.over]);
    expect(far.map(({ text }) => text)).toEqual(['the same', 'the same']);
    expect(done).toMatchObject({ bytes: 8, lanes: 2 });
    const connected = dialer.events.flatMap((event) => (event.event === 'connected' ? [event.target] : []));
    expect(connected.sort()).toEqual(
      [one.at, two.at].map((at) => (at.kind === 'target' ? at.target : '')).sort(),
    );
  });
});

describe('one of several machines that fails', () => {
  const code = 'the code of both of them';
  const nameOf = (at: PipePlace) => (at.kind === 'target' ? at.target : '');

  it('is named as soon as it has, and the other gets all', async () => {
    const [near, a, b] = ['near', 'a', 'b'].map(hand) as [HandEndpoint, HandEndpoint, HandEndpoint];
    const one = await kit.listener(place('hand:a'), true, { code });
    const two = await kit.listener(place('hand:b'), true, { code });
    (a.sink as NotingBytes).failure = brokenPipe();
    const dialer = await kit.run(place('hand:near'), [one.at, two.at], { code });
    near.hand.push('begun, ');
    await kit.until(() => dialer.events.some(({ event }) => event === 'error'));
    near.hand.push('ended').end();
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await expect(one.over).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await two.over;
    expect(b.text).toBe('begun, ended');
    expect(dialer.events.filter(({ event }) => event === 'error')).toMatchObject([
      { code: 'ERR_XFER_BROKEN_PIPE', target: nameOf(one.at), exit: 141 },
    ]);
  });

  it('is named where content is gathered, and that of the other comes', async () => {
    const [near, a, b] = ['near', 'a', 'b'].map(hand) as [HandEndpoint, HandEndpoint, HandEndpoint];
    const one = await kit.listener(place('hand:a'), false, { code });
    const two = await kit.listener(place('hand:b'), false, { code });
    const dialer = await kit.run([one.at, two.at], place('hand:near'), { code, framing: 'lines' });
    a.hand.push('begun', new XferError('ERR_XFER_COMMAND_FAILED', 'it died'));
    await kit.until(() => dialer.events.some(({ event }) => event === 'error'));
    b.hand.push('whole\n').end();
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_COMMAND_FAILED' });
    await expect(one.over).rejects.toMatchObject({ code: 'ERR_XFER_COMMAND_FAILED' });
    await two.over;
    expect(near.text).toBe('whole\n');
    expect(dialer.events.filter(({ event }) => event === 'error')).toMatchObject([
      { code: 'ERR_XFER_COMMAND_FAILED', target: nameOf(one.at) },
    ]);
  });
});

describe('one of several machines that cannot be reached', () => {
  const code = 'the code of both of them';
  const nowhere = 'memory://127.0.0.1:65000';

  it.each([{ slow: 'drop' }, { balance: true }] as const)(
    'is named, and the others get all with %o',
    async (how) => {
      const [near, far] = [hand('near'), hand('far')];
      const listener = await kit.listener(place('hand:far'), true, { code });
      const to = [target(nowhere), listener.at];
      const dialer = await kit.run(place('hand:near'), to, { code, retryMs: 0, ...how });
      near.hand.push('all').end();
      await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
      await listener.over;
      expect(far.text).toBe('all');
      expect(dialer.events.filter(({ event }) => event === 'error')).toMatchObject([
        { code: 'ERR_XFER_CONNECTION_REFUSED', target: nowhere },
      ]);
    },
  );

  it('is named, and what the others give is gathered', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), false, { code });
    const from = [target(nowhere), listener.at];
    const dialer = await kit.run(from, place('hand:near'), { code, retryMs: 0, framing: 'lines' });
    far.hand.push('all\n').end();
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
    await listener.over;
    expect(near.text).toBe('all\n');
  });

  it.each([{ slow: 'drop' }, { balance: true }] as const)(
    'is named, and a place of this machine gets all with %o',
    async (how) => {
      const [near, here] = [hand('near'), hand('here')];
      const to = [target(nowhere), place('hand:here')];
      const dialer = await kit.run(place('hand:near'), to, { code, retryMs: 0, ...how });
      near.hand.push('all').end();
      await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
      expect(here.text).toBe('all');
    },
  );

  it('is named, and what a place of this machine gives is gathered', async () => {
    const [near, here] = [hand('near'), hand('here')];
    const from = [target(nowhere), place('hand:here')];
    const dialer = await kit.run(from, place('hand:near'), { code, retryMs: 0, framing: 'lines' });
    here.hand.push('all\n').end();
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
    expect(near.text).toBe('all\n');
  });

  it('ends it before anything has gone where all get everything', async () => {
    const [near, far] = [hand('near'), hand('far')];
    const listener = await kit.listener(place('hand:far'), true, { code });
    const dialer = await kit.run(place('hand:near'), [target(nowhere), listener.at], { code, retryMs: 0 });
    near.hand.push('all').end();
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
    await listener.over.catch(() => undefined);
    expect([far.text, kit.opened.length]).toEqual(['', 0]);
  });
});

describe('places that do not go together', () => {
  const refused = async (running: Promise<{ over: Promise<DoneEvent> }>) =>
    expect((await running).over).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });

  it('are refused before anything is opened or dialled', async () => {
    await refused(kit.run(place('hand:a'), target('local:/tmp')));
    await refused(kit.run(place('hand:a'), place('hand:wrong')));
    await refused(kit.run([], place('hand:a')));
    await refused(kit.run([place('hand:a'), place('hand:b')], [place('hand:c'), place('hand:d')]));
    await refused(kit.run(listen, [place('hand:c'), place('hand:d')]));
    await refused(kit.run(listen, listen));
    await refused(kit.run(place('hand:a'), [place('hand:c'), place('hand:d')], { duplex: true }));
    expect(kit.opened).toEqual([]);
  });
});

describe('a pipe that forks', () => {
  it('gives each that comes a channel and an endpoint of its own', async () => {
    const listener = await kit.listener(place('hand:'), true, { duplex: true, fork: true });
    const dialer = await kit.run(place('hand-listen:'), listener.at, {
      ...{ code: listener.code, duplex: true, fork: true },
    });
    await kit.until(() => kit.isAccepting);
    const [one, two] = [kit.come('one'), kit.come('two')];
    one.hand.push('1').end();
    two.hand.push('2').end();
    await kit.until(() => kit.opened.length === 2);
    const far = kit.opened.map(({ endpoint }) => endpoint);
    await vi.waitFor(() => expect(far.map(({ text }) => text).sort()).toEqual(['1', '2']));
    for (const endpoint of far) endpoint.hand.push(`answer ${endpoint.text}`).end();
    await vi.waitFor(() => expect([one.isClosed, two.isClosed]).toEqual([true, true]));
    expect([one.text, two.text]).toEqual(['answer 1', 'answer 2']);
    expect(dialer.events.filter(({ event }) => event === 'connected')).toHaveLength(1);
  });

  it('goes on with the next one that comes when one way of one is all there', async () => {
    const listener = await kit.listener(place('hand:'), true, { fork: true });
    await kit.run(place('hand-listen:'), listener.at, { code: listener.code, fork: true });
    await kit.until(() => kit.isAccepting);
    for (const text of ['1', '2', '3']) {
      const one = kit.come(text);
      one.hand.push(text).end();
      await vi.waitFor(() => expect(one.isClosed).toBe(true));
    }
    expect(kit.opened.map(({ endpoint }) => endpoint.text)).toEqual(['1', '2', '3']);
  });

  it('tells of a stream that failed, and goes on with the others', async () => {
    const listener = await kit.listener(place('hand:far'), true, { fork: true });
    const dialer = await kit.run(place('hand-listen:'), listener.at, { code: listener.code, fork: true });
    await kit.until(() => kit.isAccepting);
    kit.failures.set('far', new XferError('ERR_XFER_UNKNOWN_HOST', 'there is no such host'));
    const one = kit.come('one');
    one.hand.push('1');
    await vi.waitFor(() => expect(one.isClosed).toBe(true));
    const notes = () => dialer.events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
    await vi.waitFor(() => expect(notes().join()).toContain('there is no such host'));
    kit.failures.clear();
    const two = kit.come('two');
    two.hand.push('2').end();
    await vi.waitFor(() => expect(kit.opened[0]?.endpoint.text).toBe('2'));
    await vi.waitFor(() => expect(two.isClosed).toBe(true));
    kit.stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await expect(dialer.over).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
    await expect(listener.over).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
  });

  it('opens no more at once than a session has channels, though they were reset long ago', async () => {
    class SlowToClose extends HandEndpoint {
      override close(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    kit.give('far', new SlowToClose('far'));
    const listener = await kit.listener(place('hand:far'), true, { fork: true });
    const dialer = await kit.run(place('hand-listen:'), listener.at, { code: listener.code, fork: true });
    await kit.until(() => kit.isAccepting);
    for (let count = 0; count < pipeDefaults.maxChannels; count++) {
      const one = kit.come('one');
      one.hand.push(brokenPipe());
      await vi.waitFor(() => expect(one.isClosed).toBe(true), { interval: 1 });
    }
    const isTold = (note: string) =>
      dialer.events.some((one) => one.event === 'note' && one.message.includes(note));
    expect(isTold('as many streams are under way')).toBe(false);
    const last = kit.come('last');
    await vi.waitFor(() => expect(last.isClosed).toBe(true));
    expect(isTold('as many streams are under way')).toBe(true);
    expect(kit.opened).toHaveLength(pipeDefaults.maxChannels);
  });

  it('needs a place that accepts', async () => {
    const { over } = await kit.run(stdio, place('hand:far'), { fork: true });
    await expect(over).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  });
});
