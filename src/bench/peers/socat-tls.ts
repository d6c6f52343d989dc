import { join } from 'node:path';
import { plainPath } from '../sshd.js';
import { pipeBetween } from './flow.js';
import { socatBlocks, socatHost, socatProgram } from './socat.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

const commonName = 'xfer-bench';

/** socat over TLS, with a certificate of its own. */
export const socatTls: PeerTool = {
  name: 'socat-tls',
  isSealed: true,
  patterns: { pipe: 'both ways' },
  needs: [
    { ...socatProgram, says: /socat version (\d+\.\d+)[^]*#define WITH_OPENSSL 1/ },
    { name: 'openssl', packageName: 'openssl', ask: ['version'], says: /^(?:OpenSSL|LibreSSL) (\d+\.\d+)/m },
  ],
  async open(context) {
    const [certificate, key] = ['certificate.pem', 'key.pem'].map((name) =>
      join(plainPath(context.directory), name),
    );
    const made = context.keeper.start([
      ...[pathIn(context, 'openssl'), 'req', '-x509', '-nodes', '-days', '2', '-subj', `/CN=${commonName}`],
      ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      ...['-keyout', key ?? '', '-out', certificate ?? ''],
    ]);
    const ended = await made.ended;
    if (ended.status !== 0) throw made.failure('openssl', ended);
    const host = socatHost(context.setup.place.farHost);
    const command = [pathIn(context, 'socat'), ...socatBlocks, '-u'];
    const own = `cert=${certificate ?? ''},key=${key ?? ''},verify=0`;
    return transferRuns('socat-tls', context, {
      how: ['socat', ...socatBlocks, 'OPENSSL'].join(' '),
      commandsOf: (flow, port) => {
        const listen = `OPENSSL-LISTEN:${port},bind=${host},reuseaddr,${own}`;
        const connect = `OPENSSL:${host}:${port},cafile=${certificate ?? ''},commonname=${commonName}`;
        return pipeBetween(
          flow,
          { sends: [...command, 'STDIN', listen], receives: [...command, listen, 'STDOUT'] },
          { sends: [...command, 'STDIN', connect], receives: [...command, connect, 'STDOUT'] },
        );
      },
    });
  },
};
