import { udpDefaults } from '../config/index.js';
import { formatSize } from '../config/quantity.js';
import { networkError } from '../errors/index.js';
import type { BatchSocketFeatures, UdpApi } from '../native/udp-api.js';
import { sudo } from './doctor-machine.js';
import type { Finding } from './finding.js';
import type { MachineFacts } from './machine-facts.js';

/** What UDP can do here, and how large the smaller of its buffers is; a socket on loopback tells. */
export interface Datagrams {
  readonly findings: readonly Finding[];
  readonly bufferBytes?: number;
  /** Where that is less than is wanted. */
  readonly bufferRemedy?: string;
}

export async function datagrams(
  udp: Pick<UdpApi, 'batchSocket'>,
  facts: Pick<MachineFacts, 'platform' | 'isRoot'>,
): Promise<Datagrams> {
  try {
    const socket = await udp.batchSocket({ host: '127.0.0.1', port: 0 });
    const { features } = socket;
    socket.close();
    const { receive, send } = buffers(features, facts.platform);
    const finding = bufferFinding(receive, send, facts);
    return {
      findings: [finding, ...offloadFindings(features)],
      bufferBytes: Math.min(receive, send),
      ...(finding.remedy === undefined ? {} : { bufferRemedy: finding.remedy }),
    };
  } catch (error) {
    const { message, code, remedy } = networkError(error, 'a UDP socket');
    return {
      findings: [{ subject: 'udp socket', state: 'missing', detail: `${message} (${code})`, remedy }],
    };
  }
}

/** Those that are too small are set; the other stays as it is. */
function bufferRemedy(receive: number, send: number, isRoot: boolean): string {
  const wanted = udpDefaults.socketBufferBytes;
  const short = [
    ...(receive < wanted ? [`net.core.rmem_max=${wanted}`] : []),
    ...(send < wanted ? [`net.core.wmem_max=${wanted}`] : []),
  ];
  return `${sudo(isRoot)}sysctl -w ${short.join(' ')}`;
}

/** Linux tells twice what it was asked for, and uses the other half for its own (socket(7)). */
function buffers(features: BatchSocketFeatures, platform: NodeJS.Platform) {
  const share = platform === 'linux' ? 1 / 2 : 1;
  return { receive: features.receiveBufferBytes * share, send: features.sendBufferBytes * share };
}

function bufferFinding(
  receive: number,
  send: number,
  { platform, isRoot }: Pick<MachineFacts, 'platform' | 'isRoot'>,
): Finding {
  const wanted = udpDefaults.socketBufferBytes;
  const subject = 'socket buffers';
  const detail = `${formatSize(receive)} to receive, ${formatSize(send)} to send`;
  if (Math.min(receive, send) >= wanted) return { subject, state: 'ok', detail };
  const short = `${detail}, of ${formatSize(wanted)} that are wanted: bursts on fast links are lost`;
  if (platform !== 'linux') return { subject, state: 'slower', detail: short };
  return { subject, state: 'slower', detail: short, remedy: bufferRemedy(receive, send, isRoot) };
}

function offloadFindings({ kind, gso, gro, ecn }: BatchSocketFeatures): Finding[] {
  const one = (subject: string, has: boolean, gain: string): Finding => ({
    subject,
    state: has ? 'ok' : 'slower',
    detail: has ? gain : `${kind === 'native' ? 'not here' : 'not without the addon'}: ${gain}`,
  });
  return [
    one('GSO', gso, 'the kernel cuts a run of packets by itself (UDP_SEGMENT)'),
    one('GRO', gro, 'the kernel gives packets of a run as one (UDP_GRO)'),
    one('ECN', ecn, 'routers can tell of a queue before they drop packets'),
  ];
}
