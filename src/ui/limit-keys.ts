import { readFileSync } from 'node:fs';
import type { RateLimit } from '../app/rate-limit.js';

/**
 * `+` and `-` at the terminal change the limit while something is sent. Returns what gives the terminal back. Nothing
 * happens where stdin is no terminal.
 */
export function limitKeys(
  limit: RateLimit,
  onChange: () => void,
  input: NodeJS.ReadStream = process.stdin,
): () => void {
  if (!input.isTTY || !isForeground()) return () => undefined;
  // In raw mode these keys come here and not as signals.
  const signals: Readonly<Record<string, NodeJS.Signals>> = { '\x03': 'SIGINT', '\x1c': 'SIGQUIT' };
  const onData = (bytes: Buffer): void => {
    for (const key of bytes.toString('latin1')) {
      const signal = signals[key];
      if (signal) process.kill(process.pid, signal);
      if (key === '\x1a') {
        input.setRawMode(false);
        process.kill(process.pid, 'SIGTSTP');
      }
      if (key === '+' || key === '=') limit.raise();
      if (key === '-') limit.lower();
      if (key === '+' || key === '=' || key === '-') onChange();
    }
  };
  const onContinue = (): void => {
    if (isForeground()) input.setRawMode(true);
  };
  input.setRawMode(true);
  input.on('data', onData);
  process.on('SIGCONT', onContinue);
  // A transfer does not wait for a key.
  input.unref();
  input.resume();
  return () => {
    input.off('data', onData);
    process.off('SIGCONT', onContinue);
    input.setRawMode(false);
    input.pause();
  };
}

/** Whether the terminal is ours: a job in the background would be stopped for touching it. */
function isForeground(): boolean {
  try {
    // proc(5): behind the name in brackets come state, ppid, pgrp, session, tty and the terminal's foreground group.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return false;
  }
}
