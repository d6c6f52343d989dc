import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { benchDefaults } from '../config/index.js';
import { asXferError, errorTable, XferError, type ErrorCode } from '../errors/index.js';
import type { TransportTuning } from '../transport/contract.js';
import type { BenchPlace } from './contract.js';
import { loopback } from './places.js';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface LocalBench {
  readonly address: string;
  /** Where it was started here. */
  readonly pid?: number;
  /** Ends it if it still runs. */
  stop(): void;
}

/**
 * Starts the other end of a bench as a child process, at the far end of the place. It ends with this process, whatever happens to that: its
 * stdin closes then. There is no channel between the two but that and its stdout, so both are as they are by themselves.
 */
export async function startLocalBench(
  scheme: string,
  tuning: TransportTuning = {},
  { far, farHost }: BenchPlace = loopback,
): Promise<LocalBench> {
  const { congestion, mtuBytes, provider } = tuning;
  const flags = [
    ...(congestion === undefined ? [] : ['--cc', congestion]),
    ...(mtuBytes === undefined ? [] : ['--mtu', String(mtuBytes)]),
    ...(provider === undefined ? [] : ['--provider', provider]),
  ];
  const serve = [program, 'bench', '--serve', `${scheme}://${farHost}:0`, '--json', ...flags];
  const [command = process.execPath, ...words] = [...far, process.execPath, ...serve];
  const child = spawn(command, words, {
    env: { ...process.env, XFER_ENDS_WITH_PARENT: 'stdin' },
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C in a terminal is for this process, which then ends the other: else that might be gone first.
    detached: true,
    windowsHide: true,
  });
  const stop = (): void => void child.kill();
  try {
    const { pid } = child;
    return { address: await addressOf(child), ...(pid === undefined ? {} : { pid }), stop };
  } catch (error) {
    stop();
    throw error;
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new XferError('ERR_XFER_INTERNAL', 'the other end has no output');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new XferError('ERR_XFER_INTERNAL', `the other end ${why}`));
    const timer = setTimeout(() => fail('did not start in time'), benchDefaults.startMs);
    child.once('error', (error) => reject(asXferError(error)));
    child.once('exit', (status) => {
      clearTimeout(timer);
      fail(`ended with status ${String(status)} before it listened`);
    });
    lines.on('line', (line) => {
      const event = JSON.parse(line) as { event: string; addresses?: string[] } & ToldError;
      clearTimeout(timer);
      if (event.event === 'listening') resolve(event.addresses?.[0] ?? '');
      if (event.event === 'error') reject(errorOf(event));
    });
  });
}

interface ToldError {
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
}

function errorOf({ code, message = 'the other end failed', remedy }: ToldError): XferError {
  const known = code !== undefined && code in errorTable ? (code as ErrorCode) : 'ERR_XFER_INTERNAL';
  return new XferError(known, message, remedy === undefined ? {} : { remedy });
}
