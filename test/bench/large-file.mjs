import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shortened, warmMemory, writeRandom } from './memory-files.mjs';
import { compare, finish, line, start } from './processes.mjs';
import { fastest, scpName } from './sshd.mjs';
import { formatSpread, spread } from './stats.mjs';
import { receiver, send } from './xfer.mjs';

const lanePath = join(import.meta.dirname, 'bare-lane.mjs');
const code = '7-benchmark-of-the-bench';

/**
 * One random file, moved in turn by xfer, scp and the bare lane, as often as asked: what the rows on large files are
 * made of. `wanted` names the contestants. Each target is removed before its run, and afterwards once compared; before
 * each run as much memory is written and freed again, so that nobody pays for the first touch of a page, which is slow
 * on virtual machines; the first run of each does not count.
 * Gives lists of `{ seconds, … }` by contestant, and `notes`.
 */
export async function largeFile(context, wanted) {
  const { directory, size, runs, smoke, say } = context;
  const source = join(directory, 'random');
  writeRandom(source, size);
  const notes = [];
  const contestants = { xfer: () => xferOnce(context, source) };
  if (wanted.has('lane')) contestants.lane = await bareLane(context, source, notes);
  if (wanted.has('scp')) {
    const server = await context.sshd();
    if (server.missing) notes.push(`scp: skipped, ${server.missing}`);
    else contestants.scp = await scpContestant(context, server, source, notes);
  }
  const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = smoke ? 1 : 0; round <= runs; round++)
    for (const [name, once] of Object.entries(contestants)) {
      warmMemory(directory, size);
      const result = await once();
      say(`${round === 0 ? 'warm-up' : `round ${round}`}: ${name} ${result.seconds.toFixed(3)} s`);
      if (round > 0) results[name].push(result);
    }
  rmSync(source);
  for (const name of ['xfer', 'lane']) if (results[name]) notes.push(cpuNote(name, results[name]));
  return { ...results, notes };
}

async function xferOnce(context, source) {
  const target = join(context.directory, 'xfer-target');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  const { run, url } = await receiver(context, { directory: target, flags: ['--once'], code });
  const sent = await send(context, { path: source, url, code });
  await finish(run, 'xfer recv');
  await compare(source, join(target, 'random'));
  rmSync(target, { recursive: true });
  const { bytes, seconds } = sent.done;
  return {
    seconds: sent.seconds,
    inside: bytes / seconds / 1e9,
    senderPeak: sent.run.peakBytes() / 1e6,
    receiverPeak: run.peakBytes() / 1e6,
    cpu: [sent.run.cpuSeconds(), run.cpuSeconds()],
  };
}

async function scpContestant({ directory, smoke, say }, server, source, notes) {
  const target = join(directory, 'scp-target');
  const [first, ...others] = smoke
    ? [{ how: { cipher: 'aes128-gcm@openssh.com', legacy: false } }]
    : await fastest(server, await shortened(directory, source), target);
  const shown = others.map(({ how, seconds }) => `${scpName(how)} ${seconds.toFixed(2)} s`).join(', ');
  notes.push(
    `scp: ${scpName(first.how)}${others.length > 0 ? ` (${first.seconds.toFixed(2)} s for the first 256 MiB; ${shown})` : ''}`,
  );
  say(notes.at(-1));
  return async () => {
    rmSync(target, { force: true });
    const { seconds } = await server.scp(source, target, first.how);
    await compare(source, target);
    rmSync(target);
    return { seconds };
  };
}

/** The bare lane in the way of reading that is faster here, found by two runs of each. */
async function bareLane({ directory, size, smoke, say }, source, notes) {
  const target = join(directory, 'lane-target');
  const once = async (mode) => {
    rmSync(target, { force: true });
    const sender = start(process.execPath, [lanePath, 'send', source]);
    const { port } = await line(sender, fieldOf('port'));
    const args = [lanePath, 'recv', target, String(port), String(size), mode];
    const receiving = start(process.execPath, args);
    await finish(receiving, 'the receiver of the bare lane');
    await finish(sender, 'the sender of the bare lane');
    const { bytes, seconds } = await line(sender, fieldOf('seconds'));
    await compare(source, target);
    rmSync(target);
    return { seconds, inside: bytes / seconds / 1e9, cpu: [sender.cpuSeconds(), receiving.cpuSeconds()] };
  };
  if (smoke) return () => once('data');
  const best = { data: Infinity, onread: Infinity };
  for (let round = 0; round < 2; round++)
    for (const mode of Object.keys(best)) {
      warmMemory(directory, size);
      best[mode] = Math.min(best[mode], (await once(mode)).seconds);
    }
  const mode = best.onread < best.data ? 'onread' : 'data';
  notes.push(`bare lane: by ${mode} (data ${best.data.toFixed(2)} s, onread ${best.onread.toFixed(2)} s)`);
  say(notes.at(-1));
  return () => once(mode);
}

const fieldOf = (name) => (text) => {
  const found = JSON.parse(text);
  return found[name] === undefined ? undefined : found;
};

/** Processor time varies less than seconds do where a machine has other work too. */
function cpuNote(name, results) {
  const [sender, receiver] = [0, 1].map((side) => spread(results.map(({ cpu }) => cpu[side])));
  return `processor time, ${name}: sender ${formatSpread(sender, 's')}, receiver ${formatSpread(receiver, 's')}`;
}
