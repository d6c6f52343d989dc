import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { benchDefaults } from '../../config/index.js';
import { XferError } from '../../errors/index.js';
import type { KeptChild } from '../kept-child.js';

const lookEveryMs = 5;

/**
 * Waits until a port is listened on where the child is: a connection made as a test would be the one that it takes, so the
 * kernel is asked. Rejects where the child ends before, or does not listen in time.
 */
export async function untilListening(child: KeptChild, name: string, port: number): Promise<void> {
  if (process.platform !== 'linux')
    throw new XferError('ERR_XFER_NO_TRANSPORT', `this system does not show when ${name} listens`, {
      remedy: 'compare with it on Linux, where /proc shows that',
    });
  const until = performance.now() + benchDefaults.toolStartMs;
  while (performance.now() < until) {
    if (child.isOver) throw child.failure(name, await child.ended);
    const tables = await Promise.all(['tcp', 'tcp6'].map((table) => tableOf(child, table)));
    if (tables.some((text) => text !== undefined && isListening(text, port))) return;
    await delay(lookEveryMs);
  }
  throw new XferError('ERR_XFER_TIMEOUT', `${name} did not listen in time`, {
    remedy: `run ${name} by itself and see what it says`,
  });
}

/** In a table as /proc/net/tcp: the state is 0A. */
export function isListening(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`^ *\\d+: [\\dA-F]+:${hex} [\\dA-F]+:0000 0A `, 'm').test(table);
}

/** A port that nobody listened on a moment ago, on loopback. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function tableOf({ pid }: KeptChild, table: string): Promise<string | undefined> {
  return readFile(`/proc/${pid ?? 0}/net/${table}`, 'latin1').catch(() => undefined);
}
