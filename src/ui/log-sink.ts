import { printable } from '../transfer/printable.js';
import type { Write } from './view.js';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a log goes. Texts in it may be a peer's: each sink makes them harmless. */
export interface LogSink {
  write(level: LogLevel, message: string, fields: LogFields): void;
  /** Resolves when all of it is written. */
  close(): Promise<void>;
}

/** For programs: a JSON object a line, by pino, on stderr or where `to` says. */
export async function jsonSink(level: LogLevel, to?: { write: Write }): Promise<LogSink> {
  const { destination, pino, stdTimeFunctions } = await import('pino');
  // Whoever does not read stderr loses lines at some point, and holds up nothing.
  const stderr = to ? undefined : destination({ dest: 2, sync: false, maxLength: mostWaitingBytes });
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stderr ?? to ?? process.stderr,
  );
  return {
    write: (at, message, fields) => logger[at](harmless(fields), printable(message)),
    close: () =>
      new Promise((resolve) => {
        // A reader that has stopped reading must not keep the relay from ending.
        setTimeout(resolve, flushTimeoutMs).unref();
        if (stderr) stderr.flush(() => resolve());
        else resolve();
      }),
  };
}

const mostWaitingBytes = 1024 * 1024;
const flushTimeoutMs = 1_000;

/** For people: the time, what happened, and what belongs to it. */
export function lineSink(level: LogLevel, write: Write): LogSink {
  const most = logLevels.indexOf(level);
  return {
    write: (at, message, fields) => {
      if (logLevels.indexOf(at) > most) return;
      const words = Object.entries(harmless(fields)).map(([name, value]) => `${name}=${String(value)}`);
      const mark = at === 'error' || at === 'warn' ? `${at}: ` : '';
      const time = new Date().toTimeString().slice(0, 8);
      write(`${[`${time} ${mark}${printable(message)}`, ...words].join('  ')}\n`);
    },
    close: () => Promise.resolve(),
  };
}

function harmless(fields: LogFields): LogFields {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    said.map(([name, value]) => [name, Array.isArray(value) ? value.map(shown) : shown(value)]),
  );
}

const shown = (value: unknown): unknown => (typeof value === 'string' ? printable(value) : value);
