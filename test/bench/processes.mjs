import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { threadSeconds } from './cpu-time.mjs';

/** No child lives longer than this, unless it says so. */
const longestMs = 120_000;
const children = new Set();
const directories = new Set();

/** A directory in memory that is gone when the bench ends, however it ends. */
export function memoryDirectory() {
  const path = mkdtempSync('/dev/shm/xfer-bench-');
  directories.add(path);
  return path;
}

/**
 * Starts a program. `ended` settles with `{ status, seconds, stdout, stderr }`, never rejects; `peakBytes()` is the
 * highest resident size seen (VmHWM, which the kernel keeps), `residentBytes()` every size seen and `threads()` the
 * processor time by kind of thread, read every 50 ms.
 */
export function start(command, args, options = {}, limitMs = longestMs) {
  const began = process.hrtime.bigint();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const run = { child, stdout: '', stderr: '', peak: 0, resident: [], waiting: new Set() };
  children.add(child);
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    run.stdout += text;
    for (const look of run.waiting) look();
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => (run.stderr += text));
  const polling = setInterval(() => sample(run), 50);
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  run.ended = new Promise((resolve) => {
    let seconds = 0;
    child.on('exit', () => (seconds = Number(process.hrtime.bigint() - began) / 1e9));
    child.on('error', (error) => (run.stderr += error.message));
    child.on('close', (status) => {
      clearInterval(polling);
      clearTimeout(limit);
      children.delete(child);
      resolve({ status, seconds, stdout: run.stdout, stderr: run.stderr });
      run.over = true;
      for (const look of run.waiting) look();
    });
  });
  run.peakBytes = () => run.peak;
  run.threads = () => run.seen;
  run.residentBytes = () => run.resident;
  return run;
}

/** `start` in the namespace of one end of an emulated link, or here where there is none. */
export function startAt(end, command, args, options, limitMs) {
  return start(...(end?.command(command, args) ?? [command, args]), options, limitMs);
}

/** Runs a program to its end; throws with what it said where its status is not 0. */
export async function finish(run, name) {
  const ended = await run.ended;
  if (ended.status !== 0)
    throw new Error(`${name} ended with ${ended.status}: ${(ended.stderr + ended.stdout).slice(-2000)}`);
  return ended;
}

/** The first line of stdout for which `match` gives something; rejects where the program ends without it. */
export function line(run, match) {
  return new Promise((resolve, reject) => {
    const look = () => {
      for (const text of run.stdout.split('\n').slice(0, -1)) {
        const found = match(text);
        if (found === undefined) continue;
        run.waiting.delete(look);
        return resolve(found);
      }
      if (run.over) reject(new Error(`ended early: ${(run.stderr + run.stdout).slice(-2000)}`));
    };
    run.waiting.add(look);
    look();
  });
}

/** Throws unless both files have the same bytes. */
export async function compare(one, other) {
  await finish(start('cmp', [one, other]), `cmp ${one} ${other}`);
}

export function cleanUp() {
  for (const child of children) child.kill('SIGKILL');
  for (const path of directories) rmSync(path, { recursive: true, force: true });
}

/** Whatever ends the bench leaves no process and no file behind. */
export function cleanUpAtTheEnd() {
  process.on('exit', cleanUp);
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }))
    process.on(signal, () => process.exit(status));
}

export const program = join(import.meta.dirname, '../../bin/run.js');

function sample(run) {
  try {
    const of = (file) => readFileSync(`/proc/${run.child.pid}/${file}`, 'latin1');
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(of('status'));
    if (found) run.peak = Math.max(run.peak, Number(found[1]) * 1024);
    const now = /^VmRSS:\s+(\d+) kB$/m.exec(of('status'));
    if (now) run.resident.push(Number(now[1]) * 1024);
    run.seen = threadSeconds(run.child.pid);
  } catch {
    // It has just ended, or this system has no /proc: the peak stays what it was.
  }
}
