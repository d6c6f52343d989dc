import { readFileSync, readdirSync } from 'node:fs';

/** Hundredths of a second, as proc(5) counts on every Linux that Node runs on. */
const ticksPerSecond = 100;
const startedThreads = ['main', 'pool', 'V8', 'libuv'];

/**
 * Runs `once` and gives `[its result, seconds]`: user and system time of every process that ended and was waited for
 * meanwhile, descendants included (cutime and cstime of this process), and, where an sshd is named, all of that sshd's
 * sessions too. Only one contestant may run meanwhile. Exact to hundredths; processes that nobody waits for are missed.
 */
export async function withCpu(once, sshdPid) {
  const before = waitedSeconds('self') + (await sessionsSeconds(sshdPid));
  const result = await once();
  return [result, waitedSeconds('self') + (await sessionsSeconds(sshdPid)) - before];
}

/** Seconds by kind of thread: `{ main: { user, system }, pool, V8, libuv }`, of a process that still runs. */
export function threadSeconds(pid) {
  const found = Object.fromEntries(startedThreads.map((kind) => [kind, { user: 0, system: 0 }]));
  const threads = readdirSync(`/proc/${pid}/task`).sort((a, b) => a - b);
  for (const [order, tid] of threads.entries()) {
    const path = `/proc/${pid}/task/${tid}`;
    const [user, system] = fields(`${path}/stat`, 11);
    const kind = kindOf(order, readFileSync(`${path}/comm`, 'latin1'));
    found[kind].user += user;
    found[kind].system += system;
  }
  return found;
}

/** `main 0.30 + 0.10, pool 0.50 + 0.20`: medians over runs, user + system, without what is nothing. */
export function threadsText(samples) {
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return startedThreads
    .map((kind) => {
      const [user, system] = ['user', 'system'].map((mode) => median(samples.map((one) => one[kind][mode])));
      return user + system < 0.005 ? '' : `${kind} ${user.toFixed(2)} + ${system.toFixed(2)}`;
    })
    .filter((text) => text !== '')
    .join(', ');
}

/**
 * Node 20 names no threads, newer ones do. Without names their order tells: V8 has six from the start (four workers,
 * the scheduler of delayed tasks, the inspector's signals), libuv its four before any module is loaded, the rest are
 * the addon's.
 */
function kindOf(order, name) {
  if (order === 0) return 'main';
  if (/^libuv/.test(name)) return 'libuv';
  if (/^(V8|Delayed|SignalInspector)/.test(name)) return 'V8';
  if (!/^node/.test(name)) return 'pool';
  return order <= 6 ? 'V8' : order <= 10 ? 'libuv' : 'pool';
}

function waitedSeconds(pid) {
  const [user, system] = fields(`/proc/${pid}/stat`, 13);
  return user + system;
}

/** The time of a session counts when its sshd has waited for it; tried for two seconds. */
async function sessionsSeconds(pid) {
  if (pid === undefined) return 0;
  for (let tries = 0; tries < 200; tries++) {
    if (readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim() === '') break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return waitedSeconds(pid);
}

/** Two neighbouring fields of a stat file in seconds; `first` counts from the one after the name, which may hold spaces. */
function fields(path, first) {
  const values = readFileSync(path, 'latin1').split(') ').at(-1).split(' ');
  return values.slice(first, first + 2).map((ticks) => Number(ticks) / ticksPerSecond);
}
