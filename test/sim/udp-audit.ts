import type { UdpConfig } from '../../plugins/udp/src/config.js';
import type { Side } from './udp-connection.js';

const KiB = 2 ** 10;
/** Of control that came out of order. */
const mostHeldControlBytes = 2 * 2 ** 20;
/** What content is pulled at once, and may be held by one packet that is missing. */
const mostPulledBytes = 64 * KiB;
/** Lost runs that are remembered; and how small a packet in flight may be. */
const [mostRememberedRuns, leastDatagramBytes] = [4096, 24];

/** Throws where an end holds more than it may: what it can be made to hold by the other end, or by the network. */
export function auditMemory({ end, user }: Side, config: UdpConfig): void {
  const { heldBytes, sentRuns, ackRanges, streams, inFlightBytes } = end.core.stats();
  const expectAtMost = (what: string, value: number, most: number): void => {
    if (value > most) throw new Error(`${what}: ${value}, which is more than ${most}`);
  };
  expectAtMost('bytes held', heldBytes, config.creditBytes + mostPulledBytes + mostHeldControlBytes);
  expectAtMost('runs remembered', sentRuns, mostRememberedRuns + 64 + inFlightBytes / leastDatagramBytes);
  expectAtMost('ranges of numbers', ackRanges, config.maxAckRanges);
  expectAtMost('streams known', streams, 2 * user.knownStreams + config.maxEarlyStreams);
  const pulled = config.creditBytes + mostPulledBytes * (1 + user.outgoingStreams);
  expectAtMost('content pulled and not done', user.pendingBytes, pulled);
}

/** Least content of a packet, and packets that a message on control or a stream may cost beside. */
const leastContentBytes = 1199;
const packetsAround = 4;
/** Of what is needed: some is lost, some found lost that was not, each two are acknowledged, probes ask. */
const mostTimes = 4;
/** Keep-alives, probes of silence and of the MTU. */
const [packetsASecond, packetsAtAll] = [6, 200];

/** Throws where an end sent many times what was needed. `lossPart`: of packets, lost by the network. */
export function auditPackets({ end, user }: Side, seconds: number, lossPart: number): void {
  const told = user.pulledBytes + user.controlSentBytes;
  const heard = user.receivedBytes + user.controlReceivedBytes;
  const messages = user.messages + (user.peer?.messages ?? 0) + user.sizes.size;
  const needed = (told + heard) / leastContentBytes + messages * packetsAround;
  const most = (mostTimes * needed) / (1 - lossPart) ** 2 + packetsASecond * seconds + packetsAtAll;
  if (end.packetsSent > most)
    throw new Error(`${end.packetsSent} packets were sent where ${Math.ceil(needed)} are needed`);
}
