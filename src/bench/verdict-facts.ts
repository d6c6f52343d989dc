import { readFile } from 'node:fs/promises';
import { datagrams } from '../app/doctor-datagrams.js';
import { addonFinding, sudo } from '../app/doctor-machine.js';
import { machineFacts } from '../app/machine-facts.js';
import { nativeApi } from '../native/index.js';
import { udpApi } from '../native/load-udp.js';

/** What of this machine a verdict depends on. */
export interface VerdictFacts {
  readonly platform: NodeJS.Platform;
  /** What a command for root begins with. */
  readonly sudo: string;
  /** The least that TCP's buffers may grow to, of both directions; undefined where the system does not tell. */
  readonly streamBufferBytes?: number;
  readonly datagramBufferBytes?: number;
  /** What makes those of UDP larger. */
  readonly datagramBufferRemedy?: string;
  /** What brings the addon that seals, where it is not there. */
  readonly addonRemedy?: string;
}

/** Of this end; of another machine nothing is known here. */
export async function verdictFacts(): Promise<VerdictFacts> {
  const machine = await machineFacts();
  const { bufferBytes, bufferRemedy } = await datagrams(await udpApi(), machine);
  const { remedy } = addonFinding('sealing', ['linux', 'darwin'], nativeApi(), machine);
  const streamBufferBytes = streamBuffer(
    ...(await Promise.all(['rmem', 'wmem'].map((name) => textOf(`/proc/sys/net/ipv4/tcp_${name}`)))),
  );
  return {
    platform: machine.platform,
    sudo: sudo(machine.isRoot),
    ...(streamBufferBytes === undefined ? {} : { streamBufferBytes }),
    ...(bufferBytes === undefined ? {} : { datagramBufferBytes: bufferBytes }),
    ...(bufferRemedy === undefined ? {} : { datagramBufferRemedy: bufferRemedy }),
    ...(remedy === undefined ? {} : { addonRemedy: remedy }),
  };
}

/** Of lines of least, first and most bytes (tcp(7)) the smallest most. */
export function streamBuffer(...lines: readonly string[]): number | undefined {
  const most = lines.map((line) => Number(/^\d+\s+\d+\s+(\d+)\s*$/.exec(line)?.[1]));
  return most.some(Number.isNaN) || most.length === 0 ? undefined : Math.min(...most);
}

/** Empty where it cannot be read. */
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
