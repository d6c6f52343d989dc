import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { XferError } from '../../errors/index.js';
import { withSystemPrograms } from './programs.js';

const device = 'link0';
/** So large that a window is never what limits a TCP: 64 MiB is 1 Gbit/s over half a second. */
const tcpBufferBytes = 64 * 2 ** 20;
/** The device's own queue, before the emulator has read; a burst of a whole window must fit. */
const deviceQueuePackets = 20_000;

/** What most machines have, whichever this one has. */
const ordinaryTcp = 'cubic';
/** Namespaces may choose among those of the machine that all its users may. */
const allowedTcpFile = '/proc/sys/net/ipv4/tcp_allowed_congestion_control';

export interface LinkEndOptions {
  /** That made the namespaces. */
  readonly emulator: string;
  readonly namespace: string;
  /** Of users, where the network's belongs to one that is not the machine's. */
  readonly userNamespace: string | undefined;
  /** 1 or 2: of its addresses the last part. */
  readonly number: number;
  readonly mtu: number;
}

/**
 * One end of a link: a network namespace with loopback, the device, and an address of each IP version. TCP is cubic there,
 * with buffers that do not limit it.
 */
export class LinkEnd {
  /** A path that nsenter takes while the link is open. */
  readonly namespace: string;
  /** What a command line begins with that runs another in there. */
  readonly prefix: readonly [string, ...string[]];
  /** Undefined where the kernel has no IPv6. */
  readonly address6: string | undefined;
  readonly #options: LinkEndOptions;
  #address: string;

  constructor(options: LinkEndOptions) {
    const { namespace, userNamespace, number } = options;
    this.#options = options;
    this.namespace = namespace;
    this.#address = `10.91.0.${number}`;
    this.address6 = existsSync('/proc/sys/net/ipv6') ? `fd91::${number}` : undefined;
    const user = userNamespace === undefined ? [] : [`--user=${userNamespace}`, '--preserve-credentials'];
    this.prefix = ['nsenter', ...user, `--net=${namespace}`, '--'];
  }

  get address(): string {
    return this.#address;
  }

  async setUp(): Promise<void> {
    const ipv4 = '/proc/sys/net/ipv4';
    await allowTcp(ordinaryTcp);
    await this.#shell([
      'ip link set lo up',
      // Nothing of the kernel's own: what is sent, and so what is lost by a seed, is its user's alone.
      `ip link set ${device} addrgenmode none`,
      `ip link set ${device} mtu ${this.#options.mtu} txqueuelen ${deviceQueuePackets} up`,
      `ip address add ${this.address}/24 dev ${device}`,
      // Whatever else is sent comes to the other end, so that addresses may be any; there is nothing behind it.
      `ip route add default dev ${device}`,
      ...(this.address6 === undefined
        ? []
        : [
            `ip address add ${this.address6}/64 dev ${device} nodad`,
            `ip -6 route add default dev ${device}`,
          ]),
      // Removing an address leaves those that were added later.
      `echo 1 > ${ipv4}/conf/all/promote_secondaries`,
      `echo "4096 131072 ${tcpBufferBytes}" > ${ipv4}/tcp_rmem`,
      `echo "4096 131072 ${tcpBufferBytes}" > ${ipv4}/tcp_wmem`,
      // What one connection has learnt of the link is not the next one's.
      `echo 1 > ${ipv4}/tcp_no_metrics_save`,
      `echo ${ordinaryTcp} > ${ipv4}/tcp_congestion_control`,
    ]);
  }

  /** `[command, arguments]` for spawn, which runs another command in there. */
  command(program: string, args: readonly string[]): [string, string[]] {
    const [first, ...rest] = this.prefix;
    return [first, [...rest, program, ...args]];
  }

  spawn(program: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return spawn(...this.command(program, args), options);
  }

  /** `cubic`, `bbr`, whatever the kernel has, for connections from now on. Rejects where it does not. */
  async useTcp(algorithm: string): Promise<void> {
    await allowTcp(algorithm);
    await this.#shell([`echo ${algorithm} > /proc/sys/net/ipv4/tcp_congestion_control`]);
  }

  /** Another IPv4 address from now on: the new one is added, then the old one removed. */
  async moveTo(address: string): Promise<void> {
    await this.#shell([
      `ip address add ${address}/24 dev ${device}`,
      `ip address del ${this.address}/24 dev ${device}`,
    ]);
    this.#address = address;
  }

  async #shell(lines: readonly string[]): Promise<void> {
    const { emulator, namespace, userNamespace = '-' } = this.#options;
    const child = spawn(emulator, ['--set-up', userNamespace, namespace, lines.join('\n')], {
      env: withSystemPrograms(process.env),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [status] = (await once(child, 'close')) as [number | null];
    if (status === 0) return;
    const reason = `the end ${this.address} of the link could not be set: ${said.trim()}`;
    throw new XferError('ERR_XFER_NO_LINK', reason);
  }
}

/** Where the machine has the algorithm, and not for everybody, it becomes one of those that everybody may use. */
async function allowTcp(algorithm: string): Promise<void> {
  const allowed = (await readFile(allowedTcpFile, 'utf8')).trim().split(/\s+/);
  if (allowed.includes(algorithm)) return;
  // What the machine does not have is refused here and, by its name, in the namespace.
  await writeFile(allowedTcpFile, [...allowed, algorithm].join(' ')).catch(() => undefined);
}
