import { spawnSync } from 'node:child_process';
import { dirname, basename } from 'node:path';
import { finish, start, startAt } from './processes.mjs';

/** rsync over ssh, and tar over ssh, to an sshd of the bench; `cipher` undefined is ssh's own choice. */
export const hasProgram = (name) => !spawnSync(name, ['--version']).error;

/** `flags` are rsync's own. Nothing is compressed. */
export async function rsyncOnce(server, { from, to, flags, cipher }) {
  const ssh = ['ssh', ...server.sshArguments(cipher)].join(' ');
  return finish(
    startAt(server.client, 'rsync', [...flags, '--no-compress', '-e', ssh, from, `${server.login}:${to}`]),
    'rsync',
  );
}

/** The directory `from` appears below `to`. */
export async function tarOnce(server, { from, to, cipher }) {
  const ssh = ['ssh', ...server.sshArguments(cipher), server.login].join(' ');
  const command = `set -e; tar -C ${dirname(from)} -cf - ${basename(from)} | ${ssh} tar -C ${to} -xf -`;
  return finish(start('bash', ['-o', 'pipefail', '-c', command]), 'tar over ssh');
}
