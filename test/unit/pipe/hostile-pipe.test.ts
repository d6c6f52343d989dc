import { describe, expect, it, vi } from 'vitest';
import { pipeDefaults } from '../../../src/config/index.js';
import { compress } from '../../../src/transfer/lz4.js';
import { Blocks, MiB, readerOf, writerOf } from './pipe-kit.js';
import { meetRogue, type PipeRogue } from './pipe-rogue.js';

const KiB = 1024;
const { firstCreditBytes, maxChannels } = pipeDefaults;
const open = { type: 'open', id: 0, up: 'bytes' } as const;
const opened = { type: 'opened', id: 0 } as const;
const reason = { wire: 20, message: 'so it is' } as const;
const failure = (code: string) => expect.objectContaining({ code }) as Error;
/** Code and words; who breaks the rules of a compressed record is called the sender. */
const breach = (words: string) =>
  expect.stringMatching(`^ERR_XFER_PROTOCOL the (other side|sender) breaks the protocol: ${words}`) as string;

type Attack = readonly [what: string, words: string, attack: (rogue: PipeRogue) => void];

describe('a dialer that breaks the rules is told so, and the session ends', () => {
  const attacks: readonly Attack[] = [
    [
      'content beyond its credit',
      'it sends more than it has credit for',
      (rogue) => {
        rogue.say(open);
        rogue.content(0, firstCreditBytes, 1);
      },
    ],
    [
      'content of a channel that is not opened yet, beyond what may come before',
      'it sends more than it has credit for',
      (rogue) => rogue.content(0, firstCreditBytes, 1),
    ],
    [
      'content that ends beyond all numbers',
      'it sends more than it has credit for',
      (rogue) => {
        rogue.say(open);
        rogue.content(0, Number.MAX_SAFE_INTEGER, 1000);
      },
    ],
    [
      'content that overlaps',
      'it sends content where none can be',
      (rogue) => {
        rogue.say(open);
        rogue.content(0, 0, 10);
        rogue.content(0, 9, 10);
      },
    ],
    [
      'content with holes everywhere',
      'it sends content where none can be',
      (rogue) => {
        rogue.say(open);
        for (let at = 0; at < 1100; at++) rogue.content(0, 2 * at, 1);
      },
    ],
    [
      'content of a channel that may never be',
      'it sends content of no channel',
      (rogue) => rogue.content(maxChannels, 0, 1),
    ],
    [
      'content of a way that the channel has not',
      'it sends content of no channel',
      (rogue) => {
        rogue.say({ type: 'open', id: 0, down: true });
        rogue.content(0, 0, 1);
      },
    ],
    [
      'content of another layout',
      'its content has a layout',
      (rogue) => {
        rogue.say(open);
        rogue.content(0, 0, 100, { layout: 1 });
      },
    ],
    [
      'content that says it is compressed and is not',
      'it sends a block that is no LZ4',
      (rogue) => {
        rogue.say(open);
        rogue.content(0, 0, Buffer.from([16, 0, 0, 0, 255, 255, 255, 255]), { layout: 2 });
      },
    ],
    [
      'content that grows beyond a record',
      'it compresses what is no record',
      (rogue) => {
        rogue.say(open);
        rogue.content(0, 0, Buffer.from([1, 0, 16, 0, 1, 2, 3]), { layout: 2 });
      },
    ],
    [
      'records with too many numbers left out',
      'it sends more records than were acknowledged',
      (rogue) => {
        rogue.say(open);
        for (let at = 0; at < 1100; at++) rogue.content(0, at, 1, { number: 2 * at });
      },
    ],
    [
      'a finish before what has come',
      'it finishes a channel with a wrong count',
      (rogue) => {
        rogue.content(0, 0, 10);
        rogue.say(open, { type: 'finish', id: 0, bytes: 9 });
      },
    ],
    [
      'two finishes',
      'it finishes a channel with a wrong count',
      (rogue) => rogue.say(open, { type: 'finish', id: 0, bytes: 9 }, { type: 'finish', id: 0, bytes: 9 }),
    ],
    [
      'content behind the finish',
      'it sends content where none can be',
      (rogue) => {
        rogue.say(open, { type: 'finish', id: 0, bytes: 9 });
        rogue.content(0, 9, 1);
      },
    ],
    [
      'an id that is not the next',
      'it opens a channel that it may not',
      (rogue) => rogue.say({ ...open, id: 1 }),
    ],
    ['an id twice', 'it opens a channel that it may not', (rogue) => rogue.say(open, open)],
    [
      'a channel without any way',
      'it opens a channel that it may not',
      (rogue) => rogue.say({ type: 'open', id: 0 }),
    ],
    ['an answer to its own channel', 'it says opened of what it may not', (rogue) => rogue.say(open, opened)],
    [
      'a finish of no channel',
      'it says finish of no channel',
      (rogue) => rogue.say({ type: 'finish', id: 0, bytes: 0 }),
    ],
    [
      'credit of a way that the channel has not',
      'it says credit of a way',
      (rogue) => rogue.say(open, { type: 'credit', id: 0, limit: 1 }),
    ],
    [
      'credit taken back',
      'it takes credit back',
      (rogue) => rogue.say({ ...open, down: true }, { type: 'credit', id: 0, limit: 1 }),
    ],
    [
      'delivery of what is not finished',
      'it has delivered what is not finished',
      (rogue) => rogue.say({ ...open, down: true }, { type: 'delivered', id: 0 }),
    ],
    [
      'records that were never sent',
      'it has records that were never sent',
      (rogue) => rogue.say({ type: 'received', ranges: [[0, 1]] }),
    ],
    [
      'records again that were never sent',
      'it wants records that were never sent',
      (rogue) => rogue.say({ type: 'again', ranges: [[0, 1]] }),
    ],
    [
      'records that it has, twice in one message',
      'its ranges of records overlap',
      (rogue) => {
        const ranges = [
          [0, 1],
          [0, 1],
        ] as const;
        rogue.say({ type: 'received', ranges });
      },
    ],
    [
      'the same records again and again in one message',
      'its ranges of records overlap',
      (rogue) =>
        rogue.say({
          type: 'again',
          ranges: [
            [3, 7],
            [6, 8],
          ],
        }),
    ],
    [
      'an end of other channels than there were',
      'it ends a session that it may not',
      (rogue) => rogue.say(open, { type: 'end', channels: 0 }),
    ],
    [
      'a channel behind the end',
      'it opens a channel that it may not',
      (rogue) => rogue.say(open, { type: 'end', channels: 1 }, { ...open, id: 1 }),
    ],
  ];

  it.each(attacks)('%s', async (_what, words, attack) => {
    const { pipes, rogue } = await meetRogue('listener');
    attack(rogue);
    expect(await rogue.isTold()).toEqual(breach(words));
    await expect(pipes.over).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it('garbage', async () => {
    const { pipes, rogue } = await meetRogue('listener');
    rogue.session.sendControl(Buffer.from('garbage'));
    expect(await rogue.isTold()).toContain('ERR_XFER_PROTOCOL');
    await expect(pipes.over).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });
});

describe('a listener that breaks the rules is told so, and the session ends', () => {
  const attacks: readonly Attack[] = [
    ['a channel of its own', 'it opens a channel that it may not', (rogue) => rogue.say(open)],
    ['an end', 'it ends a session that it may not', (rogue) => rogue.say({ type: 'end', channels: 1 })],
    [
      'an answer twice',
      'it says opened of what it may not',
      (rogue) => rogue.say({ ...opened, down: 'bytes' }, { ...opened, down: 'bytes' }),
    ],
    ['a way that was not answered for', 'it opens another way', (rogue) => rogue.say(opened)],
    [
      'a refusal behind the answer',
      'it says refused of what it may not',
      (rogue) => rogue.say({ ...opened, down: 'bytes' }, { type: 'refused', id: 0, code: 2, ...reason }),
    ],
    [
      'content of a channel that was never opened',
      'it sends content of no channel',
      (rogue) => rogue.content(1, 0, 1),
    ],
  ];

  it.each(attacks)('%s', async (_what, words, attack) => {
    const { pipes, rogue } = await meetRogue('dialer');
    const channel = pipes.open({ up: 'bytes', down: true });
    attack(rogue);
    expect(await rogue.isTold()).toEqual(breach(words));
    await expect(pipes.over).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    await expect(writerOf(channel).done).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });
});

describe('what a peer may do', () => {
  it('is to send a record twice: the second is dropped', async () => {
    const { rogue, arrivals } = await meetRogue('listener');
    rogue.say(open);
    const reader = readerOf((await arrivals.next()).accept());
    for (const number of [0, 0, 1, 0]) rogue.content(0, 10 * number, 10, { number });
    await vi.waitFor(() => expect(reader.heldBytes).toBe(20));
    rogue.say({ type: 'finish', id: 0, bytes: 20 });
    let bytes = 0;
    for (let block = await reader.read(); block; block = await reader.read()) bytes += block.bytes.length;
    expect(bytes).toBe(20);
  });

  it('is to send content before the message that opens its channel', async () => {
    const { rogue, arrivals } = await meetRogue('listener');
    rogue.content(0, 0, 10);
    rogue.say(open);
    const reader = readerOf((await arrivals.next()).accept());
    expect((await reader.read())?.bytes.length).toBe(10);
  });

  it('is to compress', async () => {
    const { rogue, arrivals } = await meetRogue('listener');
    rogue.say(open);
    rogue.content(0, 0, await compress(Buffer.alloc(200 * KiB, 'b')), { layout: 2 });
    const block = await readerOf((await arrivals.next()).accept()).read();
    expect(block?.bytes.every((byte) => byte === 98)).toBe(true);
    expect(block?.bytes.length).toBe(200 * KiB);
  });

  it('is to say something of a channel that has just ended', async () => {
    const { pipes, rogue } = await meetRogue('dialer');
    const channel = pipes.open({ up: 'bytes' });
    rogue.say(opened, { type: 'stop', id: 0, ...reason }, { type: 'credit', id: 0, limit: MiB });
    rogue.say({ type: 'delivered', id: 0 }, { type: 'stop', id: 0, ...reason });
    await expect(writerOf(channel).done).rejects.toMatchObject({ message: 'the other side: so it is' });
    const next = pipes.open({ up: 'bytes' });
    writerOf(next).write(new Blocks().text('x'));
    await vi.waitFor(() => expect(rogue.records).toEqual([0]));
  });
});

describe('credit', () => {
  it("of a channel that was reset is nobody else's while what came is not read", async () => {
    const { rogue, arrivals } = await meetRogue('listener');
    rogue.say(open);
    const first = readerOf((await arrivals.next()).accept());
    rogue.content(0, 0, 10);
    await vi.waitFor(() => expect(first.heldBytes).toBe(10));
    rogue.say({ type: 'reset', id: 0, ...reason }, { ...open, id: 1 });
    const second = readerOf((await arrivals.next()).accept());
    expect(second.windowBytes).toBe(firstCreditBytes);
    (await first.read())?.release();
    await expect(first.read()).rejects.toMatchObject({ message: 'the other side: so it is' });
    rogue.say({ type: 'reset', id: 1, ...reason }, { ...open, id: 2 });
    expect(readerOf((await arrivals.next()).accept()).windowBytes).toBe(pipeDefaults.windowBytes);
  });

  it('is never gone past', async () => {
    const { pipes, rogue } = await meetRogue('dialer', 2 * MiB);
    const writer = writerOf(pipes.open({ up: 'bytes' }));
    for (let i = 0; i < 20; i++) writer.write(new Blocks().of(Buffer.alloc(100 * KiB)));
    await vi.waitFor(() => expect(rogue.records.length).toBeGreaterThan(0));
    rogue.say({ type: 'received', ranges: [[0, rogue.records.length]] });
    await vi.waitFor(() => expect(writer.heldBytes).toBe(2000 * KiB - firstCreditBytes));
    rogue.say({ type: 'credit', id: 0, limit: firstCreditBytes + 7 });
    const before = rogue.records.length;
    await vi.waitFor(() => expect(rogue.records.length).toBe(before + 1));
    rogue.say({ type: 'received', ranges: [[before, before + 1]] });
    await vi.waitFor(() => expect(writer.heldBytes).toBe(2000 * KiB - firstCreditBytes - 7));
  });
});
