import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { linkMissing, openLink } from './link-emulator.mjs';

const device = 'link0';
/** All that is blocked or throttled; what else there is, such as ICMP, passes. */
const protocols = ['tcp', 'udp'];

/** Why this machine has no net lab, or undefined where it has. */
export function labMissing() {
  const missing = linkMissing();
  if (missing !== undefined) return missing;
  // nft without a kernel for it ends with an error here, in a namespace that is gone at once.
  if (spawnSync('unshare', ['--net', 'nft', 'add', 'table', 'inet', 'lab']).status !== 0)
    return 'a net lab needs nft (Debian: nftables) and a kernel with nf_tables';
  return undefined;
}

/**
 * An emulated link (see link-emulator.mjs), or a veth pair of the kernel's in its place, between two namespaces with a
 * firewall and a shaper each; what they do stands in the types. The namespaces are those of the link emulator's process,
 * which kills what runs in them and goes with its owner: nothing has a name, so nothing is left to remove.
 */
export async function openLab({ wire = 'emulated', ...options } = {}) {
  const link = await openLink(options);
  try {
    if (wire === 'veth') await layWire(link);
    return new NetLab(link);
  } catch (error) {
    await link.close();
    throw error;
  }
}

class NetLab {
  #link;
  #blocks = [];
  #throttled = {};

  constructor(link) {
    this.#link = link;
    this.client = link.client;
    this.server = link.server;
  }

  /** These and no others from now on. */
  async block(...blocks) {
    this.#blocks = blocks;
    await this.#applyRules();
  }

  async throttle(rates) {
    this.#throttled = { ...rates };
    for (const end of this.#ends) await shell(end, shaperOf(this.#throttled));
    await this.#applyRules();
  }

  change(parameters) {
    return this.#link.change(parameters);
  }

  statistics() {
    return this.#link.statistics();
  }

  close() {
    return this.#link.close();
  }

  get #ends() {
    return [this.client, this.server];
  }

  async #applyRules() {
    const rules = rulesOf(this.#blocks, this.#throttled);
    await Promise.all(this.#ends.map((end) => run(end, 'nft', ['-f', '-'], rules)));
  }
}

/**
 * A veth pair instead of the TUN devices, of the same name and addresses. It carries segments of 64 KiB whole, as a
 * network card with offloads does, so it is as fast as loopback; it has no delay and loses nothing.
 */
async function layWire({ client, server }) {
  for (const end of [client, server])
    await shell(end, [
      `ip link set ${device} down`,
      `ip address flush dev ${device}`,
      `ip link set ${device} name emulated`,
    ]);
  const pair = ['link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', server.namespace];
  await run(client, 'ip', pair);
  await Promise.all([client.setUp(), server.setUp()]);
}

/** What arrives is dropped, not what is sent: a firewall of its own would tell its machine, one on the way tells nobody. */
function rulesOf(blocks, throttled) {
  const arriving = blocks.flatMap(rulesOfBlock);
  const leaving = Object.keys(throttled).map(
    (protocol) => `oifname ${device} meta l4proto ${protocol} meta priority set 0x1000${classOf(protocol)}`,
  );
  return [
    'add table inet lab',
    'delete table inet lab',
    'table inet lab {',
    `chain arriving { type filter hook input priority 0; ${arriving.map((rule) => `${rule};`).join(' ')} }`,
    `chain leaving { type filter hook output priority 0; ${leaving.map((rule) => `${rule};`).join(' ')} }`,
    '}',
    '',
  ].join('\n');
}

function rulesOfBlock({ protocol, port, exceptPort, reject = false }) {
  return protocols
    .filter((one) => protocol === undefined || one === protocol)
    .flatMap((one) => {
      const verdict = reject ? rejections[one] : 'drop';
      const match = `iifname ${device} meta l4proto ${one}`;
      // Not `dport != 443 sport != 443`: nft 1.0.6 makes one comparison of both, which lets nothing through.
      if (exceptPort !== undefined)
        return [
          `${match} jump { ${one} dport ${exceptPort} return; ${one} sport ${exceptPort} return; ${verdict}; }`,
        ];
      if (port === undefined) return [`${match} ${verdict}`];
      return ['dport', 'sport'].map((side) => `${match} ${one} ${side} ${port} ${verdict}`);
    });
}

/** The reset itself passes at the end that it is for. */
const rejections = { tcp: 'tcp flags & rst == 0 reject with tcp reset', udp: 'reject' };

/** htb takes a packet's class from the priority that the firewall gave it; what has none is not shaped. */
function shaperOf(throttled) {
  const classes = Object.entries(throttled).flatMap(([protocol, rate]) => {
    const id = `1:${classOf(protocol)}`;
    return [
      `tc class add dev ${device} parent 1: classid ${id} htb rate ${Math.round(rate)} burst 32kb`,
      `tc qdisc add dev ${device} parent ${id} bfifo limit ${queueBytes(rate)}`,
    ];
  });
  const clear = `tc qdisc del dev ${device} root 2>/dev/null || true`;
  if (classes.length === 0) return [clear];
  return [clear, `tc qdisc add dev ${device} root handle 1: htb`, ...classes];
}

/** A single digit, so that it is the same in tc's hexadecimal. */
const classOf = (protocol) => 1 + protocols.indexOf(protocol);
/** 50 ms at the rate, at least twenty packets. */
const queueBytes = (rate) => Math.max(30_000, Math.round((rate / 8) * 0.05));

const shell = (end, lines) => run(end, 'sh', ['-e', '-c', lines.join('\n')]);

async function run(end, program, args, input = '') {
  const child = end.spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.on('error', () => undefined).end(input);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`the net lab could not be set: ${program}: ${said.trim()}`);
}
