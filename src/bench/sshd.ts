import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { XferError } from '../errors/index.js';
import { ChildKeeper } from './child-keeper.js';
import type { BenchPlace, BenchSetup } from './contract.js';
import { freePort, untilListening } from './peers/listening.js';
import { findProgram, type NeededProgram } from './programs.js';

/** A server of the bench's own, with keys that are thrown away with it, and what its clients need. */
export interface BenchSshd {
  readonly pid: number;
  /** Host of every command: what it means is in the configuration. */
  readonly host: string;
  /** Of the clients, for -F: nothing that the user has set counts. */
  readonly configuration: string;
  readonly cipher: string;
  close(): Promise<void>;
}

const openSsh = /OpenSSH_(\d+\.\d+)/;
export const sshProgram: NeededProgram = {
  ...{ name: 'ssh', packageName: 'openssh-client', ask: ['-V'], says: openSsh },
};
/** It has no way of telling its version, but tells that in saying so. */
export const sshdProgram: NeededProgram = {
  ...{ name: 'sshd', packageName: 'openssh-server', ask: ['-V'], says: openSsh },
};
export const sshKeygenProgram: NeededProgram = {
  ...{ name: 'ssh-keygen', packageName: 'openssh-client', ask: ['-?'], says: /usage: ssh-keygen/ },
};

/** The one that has been the fastest where the processor does AES itself. */
const cipher = 'aes128-gcm@openssh.com';
const host = 'xfer-bench';
/** As root it asks for this one, which a boot of the machine's own sshd would make. */
const rootDirectory = '/run/sshd';

/** Listens at the far end until it is closed, the signal says so, or this process ends. Rejects with an XferError. */
export async function startSshd({
  place,
  directory,
  signal,
}: Pick<BenchSetup, 'place' | 'directory' | 'signal'>): Promise<BenchSshd> {
  const [ssh, sshd, keygen] = await Promise.all(
    [sshProgram, sshdProgram, sshKeygenProgram].map((program) => findProgram(program)),
  );
  if (!ssh || !sshd || !keygen) throw new XferError('ERR_XFER_INTERNAL', 'a program of ssh is lost');
  const home = await mkdtemp(join(plainPath(directory), 'ssh-'));
  const keeper = await ChildKeeper.open(home, signal);
  const close = async (): Promise<void> => {
    await keeper.close();
    await rm(home, { recursive: true, force: true });
  };
  try {
    const finish = async (command: readonly string[], name: string): Promise<void> => {
      const child = keeper.start(command);
      const ended = await child.ended;
      signal.throwIfAborted();
      if (ended.status !== 0) throw child.failure(name, ended);
    };
    for (const key of ['host', 'user'])
      await finish([keygen.path, '-q', '-t', 'ed25519', '-N', '', '-f', join(home, key)], 'ssh-keygen');
    const port = await freePort();
    await writeConfigurations(home, place, port);
    if (process.getuid?.() === 0) await mkdir(rootDirectory, { recursive: true, mode: 0o755 });
    const configuration = join(home, 'client');
    const server = keeper.start([...place.far, sshd.path, '-D', '-e', '-f', join(home, 'server')]);
    await untilListening(server, 'sshd', port);
    await finish([...place.near, ssh.path, '-F', configuration, host, 'true'], 'ssh to an sshd of its own');
    return { pid: server.pid ?? 0, host, configuration, cipher, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function writeConfigurations(home: string, place: BenchPlace, port: number): Promise<void> {
  const hostKey = await readFile(join(home, 'host.pub'), 'utf8');
  await writeFile(join(home, 'known_hosts'), `${host} ${hostKey}`);
  await copyFile(join(home, 'user.pub'), join(home, 'authorized_keys'));
  await writeFile(join(home, 'server'), lines(serverOptions(home, place.farHost, port)));
  await writeFile(join(home, 'client'), `Host ${host}\n${lines(clientOptions(home, place.farHost, port))}`);
}

function serverOptions(home: string, address: string, port: number): Record<string, string> {
  return {
    ListenAddress: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    HostKey: join(home, 'host'),
    PidFile: 'none',
    AuthorizedKeysFile: join(home, 'authorized_keys'),
    AuthenticationMethods: 'publickey',
    AllowUsers: userInfo().username,
    PermitRootLogin: 'prohibit-password',
    // The directory may be below one that everybody may write to, as /tmp is.
    StrictModes: 'no',
    UsePAM: 'no',
    UseDNS: 'no',
    DisableForwarding: 'yes',
    PermitTTY: 'no',
    PermitUserRC: 'no',
    MaxStartups: '100',
    Subsystem: 'sftp internal-sftp',
  };
}

function clientOptions(home: string, address: string, port: number): Record<string, string> {
  return {
    HostName: address,
    HostKeyAlias: host,
    Port: String(port),
    User: userInfo().username,
    Ciphers: cipher,
    Compression: 'no',
    BatchMode: 'yes',
    IdentityFile: join(home, 'user'),
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: join(home, 'known_hosts'),
    GlobalKnownHostsFile: '/dev/null',
    ConnectTimeout: '10',
    LogLevel: 'ERROR',
  };
}

const lines = (options: Record<string, string>): string =>
  Object.entries(options)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');

/**
 * The path, if a shell and the configurations of tools read it as it is: no tool is given another one, so that none of them
 * can take a part of it for something else. Throws ERR_XFER_USAGE.
 */
export function plainPath(path: string): string {
  if (/^\/[\w/.+-]*$/.test(path)) return path;
  throw new XferError(
    'ERR_XFER_USAGE',
    'the directory of the bench has a name that other tools read otherwise',
    {
      remedy: 'set TMPDIR to a path of letters, digits, dots, dashes and slashes',
    },
  );
}
