import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { asXferError, errorTable, XferError, type ErrorCode } from '../errors/index.js';
import { makeCode } from '../session/code.js';
import { printable } from '../transfer/printable.js';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** How long the receiver may take from its start to its first event. */
const startTimeoutMs = 20_000;

export interface LocalReceiver {
  readonly address: string;
  readonly code: string;
  /** Ends it if it still runs. */
  stop(): void;
}

/**
 * Starts a real receiver for `local:DIR`: a child process that listens on loopback for one transfer. It ends with
 * this process, whatever happens to that: the channel between them closes then. `flags`: more of `recv`.
 */
export async function startLocalReceiver(
  directory: string,
  home: string,
  flags: readonly string[] = [],
): Promise<LocalReceiver> {
  const code = makeCode((bytes) => Uint8Array.from(randomBytes(bytes)));
  const child = spawn(
    process.execPath,
    [program, 'recv', '--listen', 'tcp://127.0.0.1:0', '--once', '--json', ...flags, '--', directory],
    {
      env: { ...process.env, XFER_CODE: code, XFER_HOME: home, XFER_ENDS_WITH_PARENT: '1' },
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    },
  );
  try {
    return { address: await firstAddress(child), code, stop: () => void child.kill() };
  } catch (error) {
    child.kill();
    throw error;
  }
}

async function firstAddress(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new XferError('ERR_XFER_INTERNAL', 'the local receiver has no output');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new XferError('ERR_XFER_INTERNAL', `the local receiver ${why}`));
    const timer = setTimeout(() => fail('did not start in time'), startTimeoutMs);
    child.once('error', (error) => reject(asXferError(error)));
    child.once('exit', (status) => fail(`ended with status ${String(status)} before it listened`));
    lines.on('line', (line) => {
      const event = JSON.parse(line) as {
        event: string;
        addresses?: string[];
        code?: string;
        message?: string;
      };
      clearTimeout(timer);
      if (event.event === 'listening') resolve(event.addresses?.[0] ?? '');
      if (event.event === 'error') reject(receiverError(event.code, event.message));
    });
  });
}

function receiverError(code: string | undefined, message: string | undefined): XferError {
  const known = code !== undefined && code in errorTable ? (code as ErrorCode) : 'ERR_XFER_INTERNAL';
  return new XferError(known, `the receiver: ${printable(message ?? 'failed')}`);
}
