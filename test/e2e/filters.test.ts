import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runXfer, temporaryDirectory, type RunOptions } from '../support/run-xfer.js';

let home: string;
let work: string;

beforeEach(async () => {
  home = await temporaryDirectory();
  work = await temporaryDirectory();
  await mkdir(join(work, 'tree', 'logs', 'old'), { recursive: true });
  for (const path of ['a.txt', 'b.log', 'keep.log', 'logs/c.txt', 'logs/old/d.txt'])
    await writeFile(join(work, 'tree', path), path);
});

/** What arrives of `tree`, and how it ended. */
async function sent(flags: readonly string[], options: RunOptions = {}) {
  const args = ['send', join(work, 'tree'), `local:${join(work, 'out')}`, '--json', ...flags];
  const { status, events, stderr } = await (await runXfer(args, { home, ...options })).ended;
  const arrived = await readdir(join(work, 'out'), { recursive: true }).catch(() => []);
  const notes = events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
  return { status, events, stderr, arrived: arrived.sort(), notes };
}

const everything = [
  ...['tree', 'tree/a.txt', 'tree/b.log', 'tree/keep.log', 'tree/logs', 'tree/logs/c.txt'],
  ...['tree/logs/old', 'tree/logs/old/d.txt'],
];

describe('send', () => {
  it('leaves out what is excluded, and tells how much', async () => {
    const { status, arrived, notes } = await sent(['--exclude', '*.log', '--exclude', 'old/']);
    expect(status).toBe(0);
    expect(arrived).toEqual(['tree', 'tree/a.txt', 'tree/logs', 'tree/logs/c.txt']);
    expect(notes).toContain('3 paths excluded');
  });

  it('tells of no exclusion where nothing was excluded', async () => {
    const { status, arrived, notes } = await sent(['--exclude', 'none', '-x']);
    expect(status).toBe(0);
    expect(arrived).toEqual(everything);
    expect(notes.join('\n')).not.toContain('excluded');
  });

  it('lets the last pattern decide, in the order of the command line', async () => {
    const kept = await sent(['--exclude', '*.log', '--include', 'keep.log']);
    expect(kept.arrived).toEqual(everything.filter((path) => path !== 'tree/b.log'));
    expect(kept.notes).toContain('1 path excluded');
    work = await temporaryDirectory();
    await mkdir(join(work, 'tree'));
    for (const name of ['b.log', 'keep.log']) await writeFile(join(work, 'tree', name), '');
    const lost = await sent(['--include', 'keep.log', '--exclude', '*.log']);
    expect(lost.arrived).toEqual(['tree']);
  });

  it('sends one kind of file, with the directories on the way', async () => {
    const { arrived } = await sent(['--exclude', '*', '--include', '*/', '--include', '*.txt']);
    expect(arrived).toEqual(everything.filter((path) => !path.endsWith('.log')));
  });

  it('reads patterns from a file, and from stdin', async () => {
    await writeFile(join(work, 'patterns'), '# no logs\n/tree/logs/\n');
    const flags = ['--exclude-from', join(work, 'patterns'), '--exclude-from', '-'];
    const { status, arrived, notes } = await sent(flags, { input: '*.log\n!keep.log\n' });
    expect(status).toBe(0);
    expect(arrived).toEqual(['tree', 'tree/a.txt', 'tree/keep.log']);
    expect(notes).toContain('2 paths excluded');
  });

  it.each([
    ['nothing remains', ['--exclude', 'tree'], 2, 'there is nothing to send'],
    ['a pattern is none', ['--exclude', 'a\\'], 2, 'is not a pattern'],
    ['a pattern is empty', ['--include', ''], 2, 'the pattern is empty'],
    ['the file of patterns is not there', ['--exclude-from', '/nowhere/patterns'], 6, '/nowhere/patterns'],
  ])('ends before anything is dialled where %s', async (_, flags, exit, told) => {
    const { status, events, arrived } = await sent(flags);
    expect(status).toBe(exit);
    expect(arrived).toEqual([]);
    expect(events).toEqual([
      expect.objectContaining({ event: 'error', exit, message: expect.stringContaining(told) as string }),
    ]);
  });
});
