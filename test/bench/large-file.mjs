import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { threadsText, withCpu } from './cpu-time.mjs';
import { shortened, warmMemory, writeRandom } from './memory-files.mjs';
import { compare, finish, line, start } from './processes.mjs';
import { socatOnce } from './socat.mjs';
import { hasProgram, rsyncOnce } from './ssh-peers.mjs';
import { fastest, scpName } from './sshd.mjs';
import { transferOnce } from './xfer.mjs';

const lanePath = join(import.meta.dirname, 'bare-lane.mjs');
const code = '7-benchmark-of-the-bench';

/**
 * One random file of `size` bytes, moved in turn by xfer, scp, rsync, socat and the bare lane, as often as asked: what
 * the rows on large files are made of. `wanted` names the contestants. Each target is removed before its run, and
 * afterwards once compared; before each run as much memory is written and freed again, so that nobody pays for the
 * first touch of a page, which is slow on virtual machines; the first run of each does not count.
 * Gives lists of `{ seconds, cpu, … }` by contestant (`cpu` in seconds, of both sides), `size`, and `notes`.
 */
export async function largeFile(context, wanted, size) {
  const { directory, runs, smoke, say } = context;
  const source = join(directory, 'random');
  writeRandom(source, size);
  const notes = [];
  const contestants = { xfer: () => xferOnce(context, source) };
  if (wanted.has('lane')) contestants.lane = await bareLane(context, source, size, notes);
  const server = ['scp', 'rsync'].some((name) => wanted.has(name)) ? await context.sshd() : {};
  if (server.missing) notes.push(`scp and rsync: skipped, ${server.missing}`);
  else if (wanted.has('scp'))
    Object.assign(contestants, await sshContestants(context, server, source, notes));
  if (wanted.has('socat')) {
    const target = join(directory, 'socat-target');
    if (spawnSync('socat', ['-V']).error) notes.push('socat: skipped, it is not here (Debian: socat)');
    else contestants.socat = compared(source, target, () => socatOnce(source, target));
  }
  const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = smoke ? 1 : 0; round <= runs; round++)
    for (const [name, once] of Object.entries(contestants)) {
      warmMemory(directory, size);
      const result = await once(server.pid);
      say(`${round === 0 ? 'warm-up' : `round ${round}`}: ${name} ${result.seconds.toFixed(3)} s`);
      if (round > 0) results[name].push(result);
    }
  rmSync(source);
  for (const side of ['sender', 'receiver'])
    notes.push(
      `processor seconds by thread, user + system, xfer's ${side}: ${threadsText(results.xfer.map((run) => run[`${side}Threads`]).filter(Boolean))}`,
    );
  return { ...results, size, notes };
}

async function xferOnce(context, source) {
  const directory = join(context.directory, 'xfer-target');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const [sent, cpu] = await withCpu(() => transferOnce(context, { path: source, directory, code }));
  await compare(source, join(directory, 'random'));
  rmSync(directory, { recursive: true });
  const { bytes, seconds } = sent.done;
  return {
    ...{ seconds: sent.seconds, cpu, inside: bytes / seconds / 1e9 },
    senderPeak: sent.sender.peakBytes() / 1e6,
    receiverPeak: sent.receiver.peakBytes() / 1e6,
    senderThreads: sent.sender.threads(),
    receiverThreads: sent.receiver.threads(),
  };
}

/** scp, and rsync where it is, by the cipher that is fastest for scp here; found once for all rows. */
async function sshContestants(context, server, source, notes) {
  const { directory, smoke, say } = context;
  const target = join(directory, 'ssh-target');
  context.scpTried ??= smoke
    ? [{ how: { cipher: 'aes128-gcm@openssh.com', legacy: false } }]
    : await fastest(server, await shortened(directory, source), target);
  const [{ how, seconds: best }, ...others] = context.scpTried;
  const shown = others.map((one) => `${scpName(one.how)} ${one.seconds.toFixed(2)} s`).join(', ');
  notes.push(
    `scp: ${scpName(how)}${others.length > 0 ? ` (${best.toFixed(2)} s for the first 256 MiB; ${shown})` : ''}`,
  );
  say(notes.at(-1));
  const found = { scp: compared(source, target, () => server.scp(source, target, how)) };
  const rsync = { from: source, to: target, flags: ['-W'], cipher: how.cipher };
  if (hasProgram('rsync')) found.rsync = compared(source, target, () => rsyncOnce(server, rsync));
  else notes.push('rsync: skipped, it is not here (Debian: rsync)');
  return found;
}

const compared = (source, target, once) => async (sshdPid) => {
  rmSync(target, { force: true });
  const [{ seconds }, cpu] = await withCpu(once, sshdPid);
  await compare(source, target);
  rmSync(target);
  return { seconds, cpu };
};

/** The bare lane in the way of reading that is faster here, found by two runs of each. */
async function bareLane({ directory, smoke, say }, source, size, notes) {
  const target = join(directory, 'lane-target');
  const run = async (mode) => {
    const sender = start(process.execPath, [lanePath, 'send', source]);
    const { port } = await line(sender, fieldOf('port'));
    const args = [lanePath, 'recv', target, String(port), String(size), mode];
    await finish(start(process.execPath, args), 'the receiver of the bare lane');
    await finish(sender, 'the sender of the bare lane');
    return line(sender, fieldOf('seconds'));
  };
  const once = async (mode) => {
    rmSync(target, { force: true });
    const [{ bytes, seconds }, cpu] = await withCpu(() => run(mode));
    await compare(source, target);
    rmSync(target);
    return { seconds, inside: bytes / seconds / 1e9, cpu };
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
