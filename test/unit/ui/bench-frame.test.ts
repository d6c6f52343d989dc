import { stripVTControlCharacters } from 'node:util';
import { render } from 'ink-testing-library';
import { createElement } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { benchFrame } from '../../../src/ui/bench-frame.js';
import { BenchLive } from '../../../src/ui/bench-live.js';
import { BenchTally } from '../../../src/ui/bench-tally.js';
import { tableStyle } from '../../../src/ui/table-style.js';
import { entryOf, feed, fileContestants, fileWork, latencyWork, sampleOf } from '../../support/bench-feed.js';

const endings: (() => void)[] = [];
afterEach(() => endings.splice(0).forEach((end) => end()));

const evil = '\u001b[2Jevil\u202e';
const isWide = { columns: 200, rows: 40 };
const latencies = fileContestants.slice(0, 3).map((fed) => ({ ...fed, speed: fed.speed / 3e7 }));
const works = [[fileWork, fileContestants] as const, [latencyWork, latencies] as const];

/** What was drawn when the feed had gone so far, as a terminal of that size would have it. */
async function frameAfter(
  events: number,
  room: { columns: number; rows: number },
  { env = {}, tally = tallyOf() }: { env?: NodeJS.ProcessEnv; tally?: BenchTally } = {},
): Promise<readonly string[]> {
  let left = events;
  let lines: readonly string[] = [];
  const style = tableStyle({ json: false }, { isTTY: true, columns: room.columns }, env);
  const pause = async (): Promise<void> => {
    if (--left === 0) lines = benchFrame(tally.picture(), room, style.paint);
  };
  await feed(tally, { rounds: 5, steps: 10, works, pause });
  return lines.length > 0 ? lines : benchFrame(tally.picture(), room, style.paint);
}

/** Its clock goes on by a second with every look at it. */
function tallyOf(): BenchTally {
  let now = 0;
  return new BenchTally(() => (now += 1000));
}

const plain = (lines: readonly string[]): string => lines.map(stripVTControlCharacters).join('\n');

describe('the picture of a bench', () => {
  it('has work, round, contestants and the run at 80 columns', async () => {
    // Seven contestants of ten steps: this is in the second round, in the run of the second of them.
    const text = plain(await frameAfter(85, { columns: 80, rows: 30 }));
    expect(text).toMatchInlineSnapshot(`
      "xfer bench · work 1 of 2 · file 256 MiB · round 2 of 5
      ████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   11 %  8 of 70 runs  about 1 min 1 s left

        contestant      state            now       median            range  runs
        tcp             2 of 5                  1.11 GB/s   1.11–1.23 GB/s  ██
      > udp             running     873 MB/s    1.04 GB/s                   █
        quic            1 of 5                   365 MB/s                   █
        scp             1 of 5                   623 MB/s                   █
        rsync over ssh  1 of 5                   491 MB/s                   █
        rsync daemon    1 of 5                  1.50 GB/s                   █
        reference       1 of 5                  5.17 GB/s                   █

      udp, sealed · 0.5 s
           873 MB/s ▇▇██▇
        one lane  873 MB/s
        RTT 0.125 ms  loss 0.120 %  CPU sender 0.930, receiver 1.07 cores
      "
    `);
  });

  it('has ranges and what was run as well at 200', async () => {
    expect(plain(await frameAfter(155, isWide))).toMatchInlineSnapshot(`
      "xfer bench · work 1 of 2 · file 256 MiB · round 3 of 5
      █████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   21 %  15 of 70 runs  about 54 s left

        contestant      state            now       median            range  runs   as
        tcp             3 of 5                  1.21 GB/s   1.11–1.23 GB/s  ███    xfer send over tcp
      > udp             running     795 MB/s    1.00 GB/s   1.00–1.04 GB/s  ██     xfer send over udp
        quic            2 of 5                   365 MB/s     365–374 MB/s  ██     xfer send over quic
        scp             2 of 5                   573 MB/s     573–623 MB/s  ██     scp -c aes128-gcm@openssh.com -o Compression=no
        rsync over ssh  2 of 5                   491 MB/s     491–545 MB/s  ██     rsync -a -e ssh
        rsync daemon    2 of 5                  1.41 GB/s   1.41–1.50 GB/s  ██     rsync -a rsync://
        reference       2 of 5                  5.17 GB/s   5.17–5.25 GB/s  ██

      udp, sealed · 0.5 s
           795 MB/s █▇██▇
        one lane  795 MB/s
        RTT 0.125 ms  loss 0.120 %  CPU sender 0.930, receiver 1.07 cores
      "
    `);
  });

  it('keeps within columns and rows, wherever it is', async () => {
    const tally = tallyOf();
    const paint = tableStyle({ json: false }, { isTTY: true, columns: 80 }, {}).paint;
    let events = 0;
    const check = async (): Promise<void> => {
      if (![1, 2, 85, 300, 355, 370].includes(++events)) return;
      for (const columns of [200, 120, 80, 60, 40, 20, 5])
        for (const rows of [40, 24, 10, 3]) {
          const lines = benchFrame(tally.picture(), { columns, rows }, paint).map(stripVTControlCharacters);
          expect(lines.length).toBeLessThan(rows);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        }
    };
    await feed(tally, { rounds: 5, steps: 10, works, pause: check });
    await check();
    expect(events).toBeGreaterThan(370);
  });

  it('stands still as long as a work lasts', async () => {
    const heights = await Promise.all([1, 10, 85, 340].map((at) => frameAfter(at, isWide)));
    expect(new Set(heights.map(({ length }) => length)).size).toBe(1);
  });

  it('shows those around the one that runs where there is little room', async () => {
    const many = Array.from({ length: 30 }, (_, at) => ({
      ...fileContestants[0]!,
      contestant: `peer ${at}`,
    }));
    const tally = tallyOf();
    tally.onWork(
      fileWork,
      many.map((fed) => entryOf(fileWork, fed)),
      { at: 1, of: 1, rounds: 3 },
    );
    tally.onProgress({ entry: entryOf(fileWork, many[20]!), round: 1, rounds: 3, seconds: 1, bytes: 1e9 });
    const lines = benchFrame(tally.picture(), { columns: 80, rows: 20 }, (_colour, text) => text);
    expect(lines.join('\n')).toMatch(/> peer 20 +running +1\.00 GB\/s/);
    expect(lines).toContain('and 23 more');
    expect(lines.length).toBeLessThan(20);
  });

  it('has no colours and no other codes with NO_COLOR', async () => {
    const coloured = (await frameAfter(85, isWide)).join('');
    const bare = (await frameAfter(85, isWide, { env: { NO_COLOR: '1' } })).join('');
    expect(coloured).toContain('\u001b[');
    // All but bold and magenta are lost on a white terminal or on a black one.
    expect(coloured).not.toMatch(/\u001b\[(?!1m|22m|35m|39m)/);
    expect(bare).not.toContain('\u001b');
    expect(bare).toBe(stripVTControlCharacters(coloured));
  });

  it('lets nothing that others chose reach the terminal as it is', () => {
    const tally = tallyOf();
    const entry = entryOf(fileWork, { ...fileContestants[0]!, contestant: evil, how: evil });
    tally.onWork(fileWork, [entry], { at: 1, of: 1, rounds: 2 });
    tally.onSkipped({ name: evil, code: 'ERR_XFER_USAGE', reason: evil, remedy: evil });
    const cpu = [{ process: evil, cores: 1 }];
    tally.onProgress({ entry, round: 1, rounds: 2, seconds: 1, bytes: 1e9, cpu });
    const text = benchFrame(tally.picture(), isWide, (_colour, line) => line).join('\n');
    expect(text.match(/evil/g)?.length).toBeGreaterThan(3);
    expect(text).not.toMatch(/\u001b|\u202e/);
  });

  it('counts what is left, without who was given up, and forgets a run that has ended', () => {
    const tally = tallyOf();
    const [tcp, udp] = fileContestants.slice(0, 2).map((fed) => entryOf(fileWork, fed));
    tally.onWork(fileWork, [tcp!, udp!], { at: 1, of: 2, rounds: 3 });
    expect(tally.picture()).toMatchObject({ runsDone: 0, runsInAll: 12, secondsLeft: undefined });
    tally.onProgress({ entry: tcp!, round: 1, rounds: 3, seconds: 1, bytes: 1e9 });
    expect(tally.picture().run).toMatchObject({ figure: 1e9, history: [1e9] });
    tally.onSample(tcp!, 1, sampleOf(fileWork, fileContestants[0]!));
    expect(tally.picture()).toMatchObject({ runsDone: 1, run: undefined });
    tally.onProgress({ entry: udp!, round: 1, rounds: 3, seconds: 1, bytes: 1e9 });
    tally.onSkipped({ name: 'udp', code: 'ERR_XFER_INTERNAL', reason: 'it failed', remedy: 'none' });
    const { runsDone, runsInAll, contestants, run, secondsLeft } = tally.picture();
    expect([runsDone, runsInAll, run]).toEqual([1, 6, undefined]);
    expect(contestants.map(({ state }) => state)).toEqual(['between', 'dropped']);
    // Two of this work and three of the next, about as long as the one that was.
    expect(secondsLeft).toBeGreaterThan(0);
  });

  it('keeps what earlier passes came to beside the present one', async () => {
    const tally = tallyOf();
    for (const pass of [1, 2, 3]) {
      tally.onPass(pass);
      if (pass < 3) await feed(tally, { rounds: 2, steps: 1, works: works.slice(0, 1) });
    }
    const text = plain(await frameAfter(20, isWide, { tally }));
    expect(text).toContain('pass 3 · work 1 of 2');
    expect(text).toMatch(/contestant .* passes +pass median +pass range/);
    expect(text).toMatch(/scp .* [▁▂▃▄▅▆▇█]{2} +\d+ MB\/s +\d+–\d+ MB\/s/);
  });

  it('is drawn by ink as it is', async () => {
    const lines = await frameAfter(85, { columns: 80, rows: 30 }, { env: { NO_COLOR: '1' } });
    const drawn = render(createElement(BenchLive, { lines }));
    endings.push(drawn.unmount);
    const trimmed = (text: string): string =>
      text
        .split('\n')
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd();
    expect(trimmed(drawn.lastFrame() ?? '')).toBe(trimmed(lines.join('\n')));
  });
});
