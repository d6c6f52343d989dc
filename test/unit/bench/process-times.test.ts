import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sampleProcessTimes, type ProcessTimes } from '../../../src/bench/process-times.js';

let root: string;
let times: ProcessTimes | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'xfer-times-'));
});
afterEach(() => {
  times?.stop();
  times = undefined;
  rmSync(root, { recursive: true, force: true });
});

interface Shown {
  readonly children?: readonly number[];
  readonly own?: number;
  readonly waited?: number;
  readonly started?: number;
  /** Of a second thread. */
  readonly childrenOfThread?: readonly number[];
}

/** As proc(5) has it, with a name that is hard to read. */
function show(
  pid: number,
  { children = [], own = 0, waited = 0, started = 1, childrenOfThread }: Shown,
): void {
  const threads = childrenOfThread ? 2 : 1;
  const fields = ['S', 1, 0, 0, 0, -1, 0, 0, 0, 0, 0, own, 0, waited, 0, 20, 0, threads, 0, started, 0];
  mkdirSync(join(root, `${pid}/task/${pid}`), { recursive: true });
  writeFileSync(join(root, `${pid}/stat`), `${pid} (a) b) ${fields.join(' ')}\n`);
  writeFileSync(join(root, `${pid}/task/${pid}/children`), children.map((child) => `${child} `).join(''));
  if (!childrenOfThread) return;
  mkdirSync(join(root, `${pid}/task/${pid + 1}`), { recursive: true });
  writeFileSync(join(root, `${pid}/task/${pid + 1}/children`), childrenOfThread.join(' '));
}

function end(pid: number): void {
  rmSync(join(root, String(pid)), { recursive: true });
}

const sample = (withDescendants = true): ProcessTimes =>
  (times = sampleProcessTimes(10, { root, withDescendants, everyMs: 3_600_000 }));

test('counts a process, those it started from any thread, and theirs', () => {
  show(10, { own: 100, children: [20], childrenOfThread: [30] });
  show(20, { own: 20, waited: 3, children: [40] });
  show(30, { own: 7 });
  show(40, { own: 1 });
  show(50, { own: 1000 });
  expect(sample().seconds()).toBe(1.31);
  times?.stop();
  expect(sample(false).seconds()).toBe(1);
});

test('counts a child once, whether its parent has waited for it or not', () => {
  show(10, { own: 100, children: [20, 30] });
  show(20, { own: 40 });
  show(30, { own: 50 });
  const { seconds } = sample();
  expect(seconds()).toBe(1.9);
  end(20);
  show(10, { own: 100, waited: 45, children: [30] });
  expect(seconds()).toBe(1.95);
  end(30);
  show(10, { own: 100, waited: 45 });
  expect(seconds()).toBe(1.95);
});

test('keeps what was last seen of all when they have ended, and takes no stranger of the same number for them', () => {
  show(10, { own: 100, children: [20] });
  show(20, { own: 40 });
  const { seconds, stop } = sample();
  show(10, { own: 110, children: [20] });
  expect(seconds()).toBe(1.5);
  end(10);
  end(20);
  expect(seconds()).toBe(1.5);
  show(10, { own: 999, started: 2 });
  expect(stop()).toBe(1.5);
});

test('goes on with a child whose parent has ended', () => {
  show(10, { own: 10, children: [20] });
  show(20, { own: 20 });
  const { seconds } = sample();
  end(10);
  show(20, { own: 60 });
  expect(seconds()).toBe(0.7);
});

test('is zero where there is no such process', () => {
  expect(sample().stop()).toBe(0);
});
