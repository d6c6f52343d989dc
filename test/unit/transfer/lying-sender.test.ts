import { describe, expect, it } from 'vitest';
import { failure, meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn } from './transfer-kit.js';

const one = { entries: 1, files: 1, bytes: 1000 };

async function sendOne(met: MetReceiver): Promise<void> {
  met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 1000 })] });
  await met.sender.content(0, 600);
  await met.sender.content(0, 400, { offset: 600 });
  met.sender.say({ type: 'finished', ids: [0] });
}

describe('an honest sender, by hand', () => {
  it('is told when all of it stands', async () => {
    const met = await meetReceiver();
    await sendOne(met);
    met.sender.end(one);
    expect(await met.sender.hears('committed')).toMatchObject({ type: 'committed', files: 1, bytes: 1000 });
    met.sender.session.finish();
    expect(await met.running).toMatchObject({ files: 1, bytes: 1000 });
    expect(await namesIn(met.directory)).toEqual(['a']);
  });
});

describe('a sender that lies in its END', () => {
  const lies = {
    'more entries': { entries: 2 },
    'fewer entries': { entries: 0 },
    'fewer records': { records: 1 },
  };
  it.each(Object.entries(lies))('counts %s', async (_, lie) => {
    const met = await meetReceiver();
    await sendOne(met);
    met.sender.end({ ...one, ...lie });
    expect(await met.sender.isTold()).toContain('ERR_XFER_TRUNCATED ');
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
    expect(met.committing).not.toHaveBeenCalled();
  });

  it.each([{ files: 2 }, { files: 0 }, { bytes: 1001 }, { bytes: 0 }])('counts %o', async (lie) => {
    const met = await meetReceiver();
    await sendOne(met);
    met.sender.end({ ...one, ...lie });
    await refused(met, 'ERR_XFER_TRUNCATED', 'not what it counts', ['a']);
    expect(met.committing).not.toHaveBeenCalled();
  });

  it('ends before a file that it declared', async () => {
    const met = await meetReceiver();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 10 })] });
    await met.sender.content(0, 4);
    met.sender.end({ entries: 1 });
    await refused(met, 'ERR_XFER_TRUNCATED', 'not what it counts');
  });

  it('ends before a file that it said is finished is whole', async () => {
    const met = await meetReceiver();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 10 })] });
    await met.sender.content(0, 4);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: 10 });
    await refused(met, 'ERR_XFER_TRUNCATED', 'not what it counts');
  });

  it('counts more records, and leaves: what is on its way on another lane is waited for, and it never comes', async () => {
    const met = await meetReceiver();
    await sendOne(met);
    met.sender.end({ ...one, records: 3 });
    met.sender.session.finish();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
    expect(met.committing).not.toHaveBeenCalled();
  });

  it('leaves without one', async () => {
    const met = await meetReceiver();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 10 })] });
    await met.sender.content(0, 10);
    met.sender.session.finish();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
    expect(await namesIn(met.directory)).toEqual([]);
  });
});
