import { readdir, readFile, readlink } from 'node:fs/promises';
import { availableParallelism, networkInterfaces, release } from 'node:os';
import { basename } from 'node:path';
import { packageDirectory } from '../native/build-command.js';

/** What is known of a machine before anything is tried. */
export interface MachineFacts {
  readonly version: string;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly kernel: string;
  readonly processors: number;
  readonly isRoot: boolean;
  /** Where xfer is installed. */
  readonly packageDirectory: string;
  /** The user switched the addons off. */
  readonly isNativeOff: boolean;
  /** How many files a process may have open, where the system tells. */
  readonly openFiles: number | undefined;
  /** How much memory a process may lock, as registering it with a device does. Infinity: as much as there is. */
  readonly lockedBytes: number | undefined;
  /** Somebody may raise these from inside: not so in most containers, root or not. */
  readonly mayRaiseLimits: boolean;
  /** Those that are up. */
  readonly interfaces: readonly NetworkInterface[];
  readonly rdmaDevices: readonly RdmaDevice[];
  readonly hugePages: HugePages | undefined;
}

/** Those that are set aside for who asks for them. */
export interface HugePages {
  readonly total: number;
  readonly free: number;
  readonly bytes: number;
}

export interface NetworkInterface {
  readonly name: string;
  readonly isLoopback: boolean;
  readonly addresses: readonly string[];
  /** Has an IPv6 address that leads out of its link. */
  readonly hasIPv6: boolean;
  readonly mtuBytes: number | undefined;
}

export interface RdmaDevice {
  readonly name: string;
  /** `efa`, `mlx5_core` … */
  readonly driver: string | undefined;
  /** Of its first port, in the system's words: `100 Gb/sec (4X EDR)`. */
  readonly link: string | undefined;
}

/** Of this machine. Nothing is tried, and what the system does not tell is left out. */
export async function machineFacts(): Promise<MachineFacts> {
  const [limits, status, interfaces, rdma, memory] = await Promise.all([
    textOf('/proc/self/limits'),
    textOf('/proc/self/status'),
    upInterfaces(),
    rdmaDevices(),
    textOf('/proc/meminfo'),
  ]);
  return {
    version: process.version,
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    processors: availableParallelism(),
    isRoot: process.getuid?.() === 0,
    packageDirectory: packageDirectory(),
    isNativeOff: process.env['XFER_NATIVE'] === 'off',
    // Node raises its own to what is allowed at most, so that is what the process has.
    openFiles: limitOf(limits, 'open files'),
    // Past the bounding set not even sudo gets; who has CAP_IPC_LOCK locks what it likes (capabilities(7)).
    mayRaiseLimits: hasCapability(status, 'CapBnd', resourceCapability),
    lockedBytes: hasCapability(status, 'CapEff', lockCapability)
      ? Infinity
      : limitOf(limits, 'locked memory'),
    interfaces,
    rdmaDevices: rdma,
    hugePages: hugePagesOf(memory),
  };
}

/** CAP_SYS_RESOURCE and CAP_IPC_LOCK. */
const resourceCapability = 24n;
const lockCapability = 14n;

/** Of /proc/self/limits. */
function limitOf(limits: string, name: string): number | undefined {
  const most = new RegExp(`^Max ${name}\\s+(\\d+|unlimited)`, 'm').exec(limits)?.[1];
  return most === undefined ? undefined : most === 'unlimited' ? Infinity : Number(most);
}

/** Of /proc/self/status. */
function hasCapability(status: string, set: 'CapBnd' | 'CapEff', bit: bigint): boolean {
  const bits = new RegExp(`^${set}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1];
  return bits !== undefined && ((BigInt(`0x${bits}`) >> bit) & 1n) === 1n;
}

/** Of /proc/meminfo. */
function hugePagesOf(memory: string): HugePages | undefined {
  const [total, free, kilobytes] = ['HugePages_Total', 'HugePages_Free', 'Hugepagesize'].map((name) => {
    const value = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(memory)?.[1];
    return value === undefined ? undefined : Number(value);
  });
  if (total === undefined || free === undefined || kilobytes === undefined) return undefined;
  return { total, free, bytes: kilobytes * 1024 };
}

async function upInterfaces(): Promise<NetworkInterface[]> {
  const found = Object.entries(networkInterfaces()).map(async ([name, addresses = []]) => {
    const mtu = Number.parseInt(await textOf(`/sys/class/net/${name}/mtu`), 10);
    return {
      name,
      isLoopback: addresses.every(({ internal }) => internal),
      addresses: addresses.map(({ address }) => address),
      hasIPv6: addresses.some(
        ({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address),
      ),
      mtuBytes: mtu > 0 ? mtu : undefined,
    };
  });
  return Promise.all(found);
}

/** One look into a directory where there are none, as on most machines. */
export async function rdmaDevices(directory = '/sys/class/infiniband'): Promise<RdmaDevice[]> {
  const names = await readdir(directory).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      const driver = await readlink(`${directory}/${name}/device/driver`).catch(() => undefined);
      const link = (await textOf(`${directory}/${name}/ports/1/rate`)).trim();
      return {
        name,
        driver: driver === undefined ? undefined : basename(driver),
        link: link === '' ? undefined : link,
      };
    }),
  );
}

/** Empty where it cannot be read. */
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
