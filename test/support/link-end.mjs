import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

const device = 'link0';
/** So large that a window is never what limits a TCP: 64 MiB is 1 Gbit/s over half a second. */
const tcpBufferBytes = 64 * 2 ** 20;
/** The device's own queue, before the emulator has read; a burst of a whole window must fit. */
const deviceQueuePackets = 20_000;

/** What most machines have, whichever this one has. */
const ordinaryTcp = 'cubic';
/** Namespaces may choose among those of the machine that all its users may. */
const allowedTcpFile = '/proc/sys/net/ipv4/tcp_allowed_congestion_control';

/** One end of a link: a namespace with loopback, the device, and an address of each IP version. */
export class LinkEnd {
  /** The namespace as a path that nsenter takes, while the link is open. */
  namespace;
  address;
  /** Undefined where the kernel has no IPv6. */
  address6;
  #mtu;

  constructor(namespace, number, mtu) {
    this.namespace = namespace;
    this.address = `10.91.0.${number}`;
    this.address6 = existsSync('/proc/sys/net/ipv6') ? `fd91::${number}` : undefined;
    this.#mtu = mtu;
  }

  async setUp() {
    const ipv4 = '/proc/sys/net/ipv4';
    await allowTcp(ordinaryTcp);
    await this.#shell([
      'ip link set lo up',
      // Nothing of the kernel's own: what is sent, and so what is lost by a seed, is the test's alone.
      `ip link set ${device} addrgenmode none`,
      `ip link set ${device} mtu ${this.#mtu} txqueuelen ${deviceQueuePackets} up`,
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

  /** The command that runs another in this namespace: `[command, arguments]`, for spawn. */
  command(program, args) {
    return ['nsenter', [`--net=${this.namespace}`, '--', program, ...args]];
  }

  /** A child process in this namespace. */
  spawn(program, args = [], options = {}) {
    return spawn(...this.command(program, args), options);
  }

  /** For connections that are opened from now on: `cubic`, `bbr`, whatever the kernel has. */
  async useTcp(algorithm) {
    await allowTcp(algorithm);
    await this.#shell([`echo ${algorithm} > /proc/sys/net/ipv4/tcp_congestion_control`]);
  }

  /** This end has another IPv4 address from now on: the new one is added, then the old one removed. */
  async moveTo(address) {
    await this.#shell([
      `ip address add ${address}/24 dev ${device}`,
      `ip address del ${this.address}/24 dev ${device}`,
    ]);
    this.address = address;
  }

  async #shell(lines) {
    const child = this.spawn('sh', ['-e', '-c', lines.join('\n')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
    const [status] = await once(child, 'close');
    if (status !== 0) throw new Error(`the end ${this.address} of the link could not be set: ${said.trim()}`);
  }
}

/** Where the machine has the algorithm, and not for everybody, it becomes one of those that everybody may use. */
async function allowTcp(algorithm) {
  const allowed = (await readFile(allowedTcpFile, 'utf8')).trim().split(/\s+/);
  if (allowed.includes(algorithm)) return;
  // What the machine does not have is refused here and, by its name, in the namespace.
  await writeFile(allowedTcpFile, [...allowed, algorithm].join(' ')).catch(() => undefined);
}
