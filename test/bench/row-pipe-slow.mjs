import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listeningPipe, pipeProcess } from './pipes.mjs';
import { ratioOf, spread } from './stats.mjs';

const mib = 2 ** 20;

/**
 * Three targets of one pipe, `--slow drop`, one of them stopped in the middle, beside the two others alone: what these two get
 * from then on, until both have ended, with the half second for which the one is waited for. Each has every byte, counted.
 */
export const pipeSlowRow = {
  name: 'pipe-slow',
  title: 'one of three targets is stopped',
  async measure(context) {
    const { runs, size, smoke } = context;
    const [before, after] = smoke ? [mib, 8 * mib] : [128 * mib, 4 * size];
    const rates = { three: [], two: [] };
    for (let round = 0; round < runs; round++) {
      const order = round % 2 ? ['two', 'three'] : ['three', 'two'];
      for (const which of order)
        rates[which].push(after / (await once(context, { before, after }, which === 'three')) / 1e9);
    }
    return [
      {
        ...{ part: 'the other two, each', unit: 'GB/s', ours: spread(rates.three), peer: spread(rates.two) },
        ...{ peerName: 'two alone', ...ratioOf(rates.three, rates.two), goal: { atLeast: 0.9 } },
      },
    ];
  },
};

/** Seconds from the moment that one is stopped until the two others have all. */
async function once(context, { before, after }, isThree) {
  const { directory } = context;
  const go = join(directory, 'slow-go');
  const counts = [0, 1].map((at) => join(directory, `slow-count-${at}`));
  for (const path of [go, ...counts]) rmSync(path, { force: true });
  const quick = await Promise.all(
    counts.map((path) => listeningPipe(context, [], { to: `>(wc -c > ${path})` })),
  );
  const slow = isThree ? [await listeningPipe(context, [], { to: '>(cat > /dev/null)' })] : [];
  const urls = [...quick, ...slow].map(({ url }) => url);
  const from = `<(head -c ${before} /dev/zero; until [ -e ${go} ]; do sleep 0.01; done; head -c ${after} /dev/zero)`;
  const giver = pipeProcess(context, 'sender', ['-', ...urls, '--slow', 'drop'], { from });
  await connected(giver, urls.length);
  for (const { run } of slow) run.child.kill('SIGSTOP');
  const began = performance.now();
  writeFileSync(go, '');
  const ends = await Promise.all(quick.map(({ run }) => run.ended));
  const seconds = (performance.now() - began) / 1000;
  for (const { run } of slow) run.child.kill('SIGKILL');
  const { stderr } = await giver.ended;
  const taken = counts.map((path) => Number(existsSync(path) && readFileSync(path, 'utf8')));
  if (ends.some(({ status }) => status !== 0) || taken.some((bytes) => bytes !== before + after))
    throw new Error(`the other two have not all of it: ${taken.join(', ')}\n${stderr.slice(-1000)}`);
  return seconds;
}

async function connected(giver, targets) {
  while (giver.stderr.split('"event":"connected"').length - 1 < targets) {
    if (giver.over) throw new Error(`xfer pipe ended before it was connected: ${giver.stderr.slice(-1000)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
