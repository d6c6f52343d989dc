import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { transportDefaults } from '../../src/config/index.js';
import { tries } from '../support/campaign.js';
import { FuzzCampaign } from '../support/fuzz-campaign.js';
import { functionsReached } from '../support/fuzz-coverage.js';
import { checkFiles } from '../support/fuzz-files.js';
import { holdings, startFuzzReceiver, type FuzzReceiver } from '../support/fuzz-receiver.js';
import { FuzzTally } from '../support/fuzz-tally.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

/** The same seed makes the same choices; what the receiver's timing adds to them is not repeated. */
const seed = Number(process.env['XFER_FUZZ_SEED'] ?? 4840);
/** Frames and handshakes, those of strangers and those in proven sessions together. */
const count = Number(process.env['XFER_FUZZ_COUNT'] ?? tries(100_000, 25_000));
const timeoutMs = 120_000 + count * 5;
const onLinux = process.platform === 'linux';
/** What the heap of a process may grow by without a leak: of 100,000 frames a leak of 1 KiB each would be twice of it. */
const mostGrowthBytes = 32 * 2 ** 20;
const chosenCode = 'a code that somebody chose';

const print = (...lines: readonly string[]) => process.stderr.write(`${lines.join('\n')}\n`);

it(
  `a receiver outlives ${count} frames and handshakes, and its code is still good`,
  { timeout: timeoutMs },
  async () => {
    print(`XFER_FUZZ_SEED=${seed} XFER_FUZZ_COUNT=${count}`);
    const coverage = await temporaryDirectory();
    const receiver = await startFuzzReceiver({ timeoutMs, env: { NODE_V8_COVERAGE: coverage } });
    const { recv, directory } = receiver;
    const pid = recv.child.pid ?? 0;
    const began = performance.now();
    const campaign = new FuzzCampaign(receiver, { seed, sessionsByCode: false });
    await campaign.until(count / 3);
    const warm = onLinux ? await holdings(pid) : undefined;
    await campaign.until(count);
    const seconds = (performance.now() - began) / 1000;

    const words = wordsOf(receiver);
    report(campaign, words);
    print(`${campaign.total} in ${seconds.toFixed(1)} s`);
    expectSound(campaign, words);
    await expect.poll(async () => (await checkFiles(directory)).broken, { timeout: 10_000 }).toEqual([]);
    expect((await checkFiles(directory)).files).toBeGreaterThan(0);
    if (warm) {
      const last = await holdings(pid);
      const show = ({ memory, descriptors }: typeof last) =>
        `${(memory / 2 ** 20).toFixed(0)} MiB, ${descriptors} descriptors`;
      print(`after a third: ${show(warm)}; at the end: ${show(last)}`);
      expect(last.memory).toBeLessThan(warm.memory + mostGrowthBytes);
      // The last connections have their time to be closed in order.
      await expect
        .poll(async () => (await holdings(pid)).descriptors, {
          timeout: 2 * transportDefaults.closeTimeoutMs,
        })
        .toBeLessThanOrEqual(warm.descriptors);
    }

    // Nothing of all that was a guess; a handshake that is gone through with a wrong code is one.
    const announced = () => recv.events.filter(({ event }) => event === 'listening').length;
    expect(announced()).toBe(1);
    await sendHonestly(receiver, receiver.code, 0);
    await expect.poll(announced).toBe(2);
    await sendHonestly(receiver, receiver.code, 4);
    await expect.poll(announced).toBe(3);
    expect((await recv.kill('SIGINT')).status).toBe(130);
    expectNoTrace(receiver);
    await expectReached(coverage);
  },
);

it('a code that was chosen is still good behind sessions that it opened', { timeout: 120_000 }, async () => {
  const receiver = await startFuzzReceiver({ code: chosenCode, timeoutMs: 120_000 });
  const campaign = new FuzzCampaign(receiver, { seed, sessionsByCode: true });
  await campaign.until(Math.min(2000, count / 50));
  const words = wordsOf(receiver);
  report(campaign, words);
  expectSound(campaign, words);
  await expect
    .poll(async () => (await checkFiles(receiver.directory)).broken, { timeout: 10_000 })
    .toEqual([]);
  await sendHonestly(receiver, chosenCode, 0);
  await sendHonestly(receiver, `${chosenCode}, not`, 4);
  expect((await receiver.recv.ended).status).toBe(4);
  expectNoTrace(receiver);
});

/** What the receiver said of transfers that failed, without the names and numbers in it. */
function wordsOf({ recv }: FuzzReceiver): FuzzTally {
  const words = new FuzzTally();
  for (const event of recv.events)
    if (event.event === 'note')
      words.add(
        `said: ${event.message
          .replace(/(?:\S*[^\p{ASCII}]\S*|x{50,}\S*|"[^"]*")/gu, 'NAME')
          .replace(/\d+/g, 'N')
          .slice(0, 100)}`,
        'times',
      );
  return words;
}

function report({ strangers, sessions, ends, halfOpen }: FuzzCampaign, words: FuzzTally): void {
  print(...[strangers, sessions, ends, halfOpen, words].flatMap((tally) => tally.lines()));
}

/** Only what a receiver may do, and a good part of all that it can. */
function expectSound({ strangers, sessions, ends, halfOpen }: FuzzCampaign, words: FuzzTally): void {
  const outcomes = new Set([strangers, sessions, ends, halfOpen].flatMap((tally) => [...tally.outcomes]));
  const allowed =
    /^(?:taken|proved|answered|committed|refused by HTTP|link (?:reset|ended)|stream (?:ended|reset \d|refused 2)|(?:refused|abort) ERR_XFER_(?!INTERNAL)\w+)$/;
  expect([...outcomes].filter((outcome) => !allowed.test(outcome))).toEqual([]);
  // Whoever only does what is allowed gets through, however odd it is.
  expect([...ends.outcomes]).toEqual(['committed']);
  expect(
    words.kinds.filter((said) => /undefined|is not a|Cannot|null|RangeError|TypeError/.test(said)),
  ).toEqual([]);
  const codes = [...outcomes].flatMap((outcome) => /ERR_XFER_\w+/.exec(outcome) ?? []);
  print(`error codes of the receiver: ${[...new Set(codes)].sort().join(' ')}`);
}

function expectNoTrace({ recv }: FuzzReceiver): void {
  expect(recv.stderr).toBe('');
  expect(recv.stdout).not.toMatch(/^\s+at /m);
  expect(recv.stdout).not.toContain('ERR_XFER_INTERNAL');
}

/** A transfer with that code, and the status with which the sender has to end. */
async function sendHonestly(
  { address, directory }: FuzzReceiver,
  code: string,
  expected: number,
): Promise<void> {
  const content = randomBytes(300_000);
  const path = join(await temporaryDirectory(), 'honest');
  await writeFile(path, content);
  const send = await runXfer(['send', path, address, '--json', '--retry', '0'], { env: { XFER_CODE: code } });
  const { status, stdout } = await send.ended;
  expect(status, stdout).toBe(expected);
  if (expected !== 0) return;
  expect((await readFile(join(directory, 'honest'))).equals(content)).toBe(true);
  await rm(join(directory, 'honest'));
}

/** How much of the receiver all this went through. */
async function expectReached(coverage: string): Promise<void> {
  const reached = await functionsReached(coverage);
  for (const [folder, least] of [
    ['mux', 0.7],
    ['session', 0.7],
    ['transfer', 0.7],
  ] as const) {
    const { called, all } = reached.get(folder) ?? { called: 0, all: 1 };
    print(`${folder}: ${called} of ${all} functions ran (${Math.round((100 * called) / all)} %)`);
    expect(called / all, folder).toBeGreaterThan(least);
  }
}
