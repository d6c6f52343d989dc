import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { XferError } from '../../errors/index.js';
import { buildCommand, packageDirectory } from '../../native/build-command.js';
import { withSystemPrograms } from './programs.js';

const tunDevice = '/dev/net/tun';
/** What sets up a link and runs programs at its ends, and the package that has it. */
const programs = { ip: 'iproute2', nsenter: 'util-linux' };
const probeMs = 5_000;

/** What install.mjs builds. */
export const emulatorPath = (): string => `${packageDirectory()}/native/build/Release/xfer_link`;

/** What this machine lacks of an emulated link, with what to do about it, or undefined where one can be had. */
export function linkLack(): XferError | undefined {
  if (process.platform !== 'linux')
    return lack('links are emulated on Linux only', 'run it on Linux, or in a virtual machine with it');
  if (!existsSync(emulatorPath()))
    return lack('the link emulator was not built', buildCommand(packageDirectory()));
  const env = withSystemPrograms(process.env);
  for (const [program, debian] of Object.entries(programs))
    if (spawnSync(program, ['-V'], { env, stdio: 'ignore' }).error)
      return lack(`an emulated link needs ${program}`, `install ${debian}`);
  try {
    accessSync(tunDevice, constants.R_OK | constants.W_OK);
  } catch {
    return lack(
      `an emulated link needs ${tunDevice}`,
      `sudo modprobe tun; a container is started with --device ${tunDevice}`,
    );
  }
  return refusal();
}

/** Made and gone at once: nothing else tells whether the kernel, or the container, lets this user. */
function refusal(): XferError | undefined {
  const { status, stderr } = spawnSync(emulatorPath(), ['1500', '1'], {
    input: '',
    encoding: 'utf8',
    timeout: probeMs,
  });
  if (status === 0) return undefined;
  return lack(
    `an emulated link is refused here: ${stderr.trim() || `the emulator ended with ${String(status)}`}`,
    `run it as root, or let users have namespaces (sudo sysctl user.max_user_namespaces=10000); a container is started with --cap-add SYS_ADMIN --cap-add NET_ADMIN`,
  );
}

const lack = (reason: string, remedy: string): XferError =>
  new XferError('ERR_XFER_NO_LINK', reason, { remedy });
