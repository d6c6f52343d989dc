import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Message } from 'xfer/plugin';

/** Debian's python3-zmq is for this one. */
const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('./pyzmq/peer.py', import.meta.url));

/** Why pyzmq cannot be tested with here; undefined: it can. */
export function missingPyzmq(): string | undefined {
  try {
    execFileSync(python, ['-c', 'import zmq'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no pyzmq here: apt-get install python3-zmq';
  }
}

export interface Peer {
  readonly child: ChildProcess;
  /** The next line that it prints before its last. */
  line(): Promise<string>;
  /** Its last line, when it has ended well. */
  readonly result: Promise<Record<string, unknown>>;
}

/** Starts one end of a pattern: see peer.py. */
export function startPeer(role: string, address: string, ...options: readonly string[]): Peer {
  const child = spawn(python, [script, role, address, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const next = waiting.shift();
    if (next) next(line);
    else lines.push(line);
  });
  const result = new Promise<Record<string, unknown>>((resolve, reject) => {
    child.on('close', (code, signal) => {
      const last = lines.pop();
      if (code === 0 && last !== undefined) resolve(JSON.parse(last) as Record<string, unknown>);
      else reject(new Error(`peer.py ${role} ended with ${String(code ?? signal)}`));
    });
  });
  result.catch(() => undefined);
  const line = (): Promise<string> => {
    const next = lines.shift();
    return next === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(next);
  };
  return { child, line, result };
}

const block = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8)) & 255);

/** As numbered.py. */
export function numbered(number: number): Message {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(number));
  const start = number % 256;
  const body = block.slice(start, start + (number % 301));
  return number % 10 === 0 ? [head, body, new Uint8Array()] : [head, body];
}

/** As the Tally of numbered.py. */
export function tally(messages: readonly Message[]): Record<string, unknown> {
  const numbers: number[] = [];
  let torn = 0;
  for (const message of messages) {
    const [head] = message;
    const number = head?.length === 8 ? Number(Buffer.from(head).readBigUInt64BE()) : -1;
    if (number >= 0 && isSame(message, numbered(number))) numbers.push(number);
    else torn += 1;
  }
  return {
    count: numbers.length,
    distinct: new Set(numbers).size,
    sum: numbers.reduce((sum, number) => sum + number, 0),
    torn,
    ordered: numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0)),
  };
}

/** What a tally of all messages from 0 to `count` is. */
export const whole = (count: number): Record<string, unknown> => ({
  ...{ count, distinct: count, sum: (count * (count - 1)) / 2, torn: 0, ordered: true },
});

const isSame = (one: Message, other: Message): boolean =>
  one.length === other.length && one.every((part, at) => Buffer.compare(part, other[at] ?? part) === 0);
