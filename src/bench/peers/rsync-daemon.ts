import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { plainPath } from '../sshd.js';
import { workContent } from './work-content.js';
import { processNames } from './flow.js';
import { freePort, untilListening } from './listening.js';
import { rsyncProgram, rsyncSource } from './rsync.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

const user = 'bench';

/** rsync to a daemon of its own, by its own protocol, which encrypts nothing. A password keeps other users of the machine out. */
export const rsyncDaemon: PeerTool = {
  name: 'rsync-daemon',
  isSealed: false,
  patterns: { file: 'both ways', 'small-files': 'both ways' },
  needs: [rsyncProgram],
  async open(context) {
    const { setup, keeper } = context;
    const directory = plainPath(context.directory);
    const at = (name: string): string => join(directory, name);
    const source = dirname((await workContent(setup)).source);
    const password = randomBytes(16).toString('hex');
    const port = await freePort();
    await writeFile(at('password'), `${password}\n`, { mode: 0o600 });
    await writeFile(at('secrets'), `${user}:${password}\n`, { mode: 0o600 });
    await writeFile(at('rsyncd.conf'), daemonConfiguration({ directory, source, secrets: at('secrets') }));
    const where = [`--config=${at('rsyncd.conf')}`, `--address=${setup.place.farHost}`, `--port=${port}`];
    const daemon = keeper.start([
      ...[...setup.place.far, pathIn(context, 'rsync'), '--daemon', '--no-detach', ...where],
    ]);
    await untilListening(daemon, 'rsync --daemon', port);
    const remote = (module: string, path: string): string =>
      `rsync://${user}@${authority(setup.place.farHost)}:${port}/${module}${path}`;
    return transferRuns('rsync-daemon', context, {
      how: 'rsync -a to rsync --daemon',
      server: { process: 'rsync daemon', pid: daemon.pid ?? 0 },
      commandsOf: (flow) => {
        const local = rsyncSource(flow.source, flow.pattern);
        const [from, to] =
          flow.direction === 'there'
            ? [local, remote('arrives', flow.target.slice(directory.length))]
            : [remote('source', local.slice(source.length)), flow.target];
        const flags = ['-a', `--password-file=${at('password')}`];
        const argv = [pathIn(context, 'rsync'), ...flags, from, to];
        return { near: { commands: [{ argv, process: processNames(flow).near }] } };
      },
    });
  },
};

const authority = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** It looks up who connects: where no name server answers, as on an emulated link, each run would wait for that. */
function daemonConfiguration(paths: { directory: string; source: string; secrets: string }): string {
  const isRoot = process.getuid?.() === 0;
  return `
use chroot = no
reverse lookup = no
forward lookup = no
auth users = ${user}
secrets file = ${paths.secrets}
log file = ${join(paths.directory, 'rsyncd.log')}
${isRoot ? 'uid = 0\ngid = 0\n' : ''}
[arrives]
path = ${paths.directory}
read only = no

[source]
path = ${paths.source}
read only = yes
`;
}
