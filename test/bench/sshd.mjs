import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.mjs';
import { compare, finish, startAt } from './processes.mjs';

const sshdPath = '/usr/sbin/sshd';
const ciphers = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'];

/**
 * An sshd of the bench's own, with keys of its own: `{ scp(from, to, how), sshArguments(cipher), login, pid, client }`, or
 * `{ missing: reason }` where this machine cannot have one. It is on a loopback port, or, where a link is given, at its
 * server; its clients are at the link's client then.
 */
export async function sshd({ directory, link }) {
  if (!existsSync(sshdPath)) return { missing: `no ${sshdPath} here (Debian: openssh-server)` };
  if (spawnSync('scp', ['-V']).error) return { missing: 'no scp here (Debian: openssh-client)' };
  const home = join(directory, 'ssh');
  mkdirSync(home, { mode: 0o700 });
  for (const name of ['host', 'user'])
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, name)]);
  copyFileSync(join(home, 'user.pub'), join(home, 'authorized_keys'));
  // Only root's sshd asks for it; a boot of the machine's own sshd would make it.
  if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const host = link?.server.address ?? '127.0.0.1';
  const port = link ? 2222 : await freePort();
  const login = `${userInfo().username}@${host}`;
  writeFileSync(join(home, 'config'), serverConfig(home, host, port));
  const args = ['-D', '-e', '-f', join(home, 'config')];
  const server = startAt(link?.server, sshdPath, args, {}, 30 * 60_000);
  if (!(await listens(server)))
    return { missing: `sshd does not start: ${server.stderr.trim().split('\n').at(-1)}` };
  const scp = (from, to, how) => scpOnce({ home, login, port, client: link?.client, from, to, how });
  const trial = await scp(join(home, 'config'), join(home, 'copy'), {}).catch((error) => error);
  return trial instanceof Error
    ? { missing: `scp to it fails: ${trial.message.trim()}` }
    : {
        scp,
        pid: server.child.pid,
        login,
        client: link?.client,
        sshArguments: (cipher) => ['-p', String(port), ...clientArguments(home, cipher)],
      };
}

/** The ciphers, each by SFTP and by the older protocol (-O), by the best of three rounds: the fastest first. */
export async function fastest({ scp }, source, target) {
  const tried = ciphers
    .flatMap((cipher) => [false, true].map((legacy) => ({ cipher, legacy })))
    .map((how) => ({ how, seconds: Infinity }));
  for (let round = 0; round < 3; round++)
    for (const one of tried) {
      rmSync(target, { force: true });
      one.seconds = Math.min(one.seconds, (await scp(source, target, one.how)).seconds);
      await compare(source, target);
    }
  for (const path of [source, target]) rmSync(path);
  return tried.sort((a, b) => a.seconds - b.seconds);
}

export const scpName = ({ cipher, legacy }) => `scp ${legacy ? '-O ' : ''}-c ${cipher.split('@')[0]}`;

async function scpOnce({ home, login, port, client, from, to, how: { cipher, legacy, flags = [] } }) {
  const args = ['-q', '-P', String(port), ...clientArguments(home, cipher), ...flags];
  if (legacy) args.push('-O');
  return finish(startAt(client, 'scp', [...args, from, `${login}:${to}`]), 'scp');
}

/** What ssh and scp both take. */
function clientArguments(home, cipher) {
  const options = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    StrictHostKeyChecking: 'accept-new',
    UserKnownHostsFile: join(home, 'known_hosts'),
    LogLevel: 'ERROR',
    Compression: 'no',
  };
  const args = ['-F', 'none', '-i', join(home, 'user')];
  if (cipher) args.push('-c', cipher);
  for (const [name, value] of Object.entries(options)) args.push('-o', `${name}=${value}`);
  return args;
}

function serverConfig(home, host, port) {
  return `
ListenAddress ${host}:${port}
HostKey ${join(home, 'host')}
PidFile none
AuthorizedKeysFile ${join(home, 'authorized_keys')}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
`;
}

/** It says so on stderr; looked at every 20 ms, for 5 s, while the server lives. */
async function listens(server) {
  for (let tries = 0; tries < 250 && !server.over; tries++) {
    if (/listening on/.test(server.stderr)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
