// The processor's time of a sender of udp, as `docs/udp-sender.cpuprofile` has it:
//   node test/bench/profile-sender.mjs [GIBIBYTES]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finish, line, start } from './processes.mjs';

const root = join(import.meta.dirname, '../..');
const program = join(import.meta.dirname, 'memory-transport.mjs');
const kept = join(root, 'docs/udp-sender.cpuprofile');
const bytes = Number(process.argv[2] ?? 8) * 2 ** 30;
const mtuBytes = '1500';
/** Their time is the addon's and the kernel's. */
const sendingCalls = new Set(['sendRuns', 'sendControl']);

const directory = mkdtempSync(join(tmpdir(), 'xfer-profile-'));
try {
  const profile = await measured();
  for (const { callFrame } of profile.nodes)
    if (callFrame.url.startsWith('file:'))
      callFrame.url = relative(root, fileURLToPath(callFrame.url)).replaceAll('\\', '/');
  writeFileSync(kept, `${JSON.stringify(profile)}\n`);
  for (const [what, part] of shares(profile)) console.log(`${what}: ${(100 * part).toFixed(1)} %`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measured() {
  const receiver = start(process.execPath, [program, 'recv', 'udp', mtuBytes]);
  const port = await line(receiver, (text) => JSON.parse(text).port);
  const flags = ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-name=sender.cpuprofile'];
  const args = [...flags, program, 'send', 'udp', mtuBytes, String(port), String(bytes)];
  await finish(start(process.execPath, args), 'the sender');
  await finish(receiver, 'the receiver');
  return JSON.parse(readFileSync(join(directory, 'sender.cpuprofile'), 'utf8'));
}

/** Of the time in which the thread was busy. */
function shares({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map(
    ['sending calls', 'TypeScript', 'Node', 'collector', 'other'].map((what) => [what, 0]),
  );
  for (const [i, id] of samples.entries()) {
    const what = kindOf(frames.get(id));
    if (what !== undefined) sums.set(what, sums.get(what) + timeDeltas[i]);
  }
  const total = [...sums.values()].reduce((sum, time) => sum + time, 0);
  return [...sums].map(([what, time]) => [what, time / total]);
}

function kindOf({ functionName, url }) {
  if (functionName === '(idle)') return undefined;
  if (sendingCalls.has(functionName)) return 'sending calls';
  if (functionName === '(garbage collector)') return 'collector';
  if (url.startsWith('node:')) return 'Node';
  return url === '' ? 'other' : 'TypeScript';
}
