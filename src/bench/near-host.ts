import { execFile } from 'node:child_process';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { XferError } from '../errors/index.js';
import type { BenchPlace } from './contract.js';

/** Which address of its own a machine takes to somewhere; no packet is sent for it. */
const script = `
const socket = require('node:dgram').createSocket(require('node:net').isIPv6(process.argv[1]) ? 'udp6' : 'udp4');
socket.connect(9, process.argv[1], () => { process.stdout.write(socket.address().address); socket.close(); });
`;
const timeoutMs = 10_000;

/** The near end of a place, as the far one dials it. */
export async function nearHost({ near, farHost }: BenchPlace): Promise<string> {
  if (near.length === 0) return farHost;
  const [command, ...rest] = [...near, process.execPath, '-e', script, farHost];
  const { stdout } = await promisify(execFile)(command, rest, { timeout: timeoutMs });
  if (isIP(stdout) !== 0) return stdout;
  throw new XferError('ERR_XFER_INTERNAL', 'the near end of the link has no address');
}
