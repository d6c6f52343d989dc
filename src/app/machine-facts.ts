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
  /** Somebody may raise that from inside: not so in most containers, root or not. */
  readonly mayRaiseLimits: boolean;
  /** Those that are up. */
  readonly interfaces: readonly NetworkInterface[];
  readonly rdmaDevices: readonly RdmaDevice[];
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
}

/** Of this machine. Nothing is tried, and what the system does not tell is left out. */
export async function machineFacts(): Promise<MachineFacts> {
  const [openFiles, mayRaiseLimits, interfaces, rdma] = await Promise.all([
    openFileLimit(),
    hasResourceCapability(),
    upInterfaces(),
    rdmaDevices(),
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
    openFiles,
    mayRaiseLimits,
    interfaces,
    rdmaDevices: rdma,
  };
}

/** Node raises its own to what is allowed at most, so that is what the process has. */
async function openFileLimit(): Promise<number | undefined> {
  const limits = await textOf('/proc/self/limits');
  const most = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return most === undefined ? undefined : most === 'unlimited' ? Infinity : Number(most);
}

/** CAP_SYS_RESOURCE in the bounding set, past which not even sudo gets (capabilities(7)). */
async function hasResourceCapability(): Promise<boolean> {
  const bounding = /^CapBnd:\s*([0-9a-f]+)/m.exec(await textOf('/proc/self/status'))?.[1];
  return bounding !== undefined && ((BigInt(`0x${bounding}`) >> 24n) & 1n) === 1n;
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

async function rdmaDevices(directory = '/sys/class/infiniband'): Promise<RdmaDevice[]> {
  const names = await readdir(directory).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      const driver = await readlink(`${directory}/${name}/device/driver`).catch(() => undefined);
      return { name, driver: driver === undefined ? undefined : basename(driver) };
    }),
  );
}

/** Empty where it cannot be read. */
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
