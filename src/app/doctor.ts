import { udpDefaults } from '../config/index.js';
import { formatSize } from '../config/quantity.js';
import { asXferError, networkError, XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { nativeApi } from '../native/index.js';
import type { BatchSocketFeatures, UdpApi } from '../native/udp-api.js';
import { udpApi } from '../native/udp.js';
import type { ProbeResult } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';

/** One thing that was looked at. `slower`: it works, and could be faster; `missing`: it is not to be had here. */
export interface Finding {
  readonly subject: string;
  readonly state: 'ok' | 'slower' | 'missing';
  /** What is there, or why it is not. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export interface DoctorOptions {
  readonly transports: TransportRegistry;
  /** Default: `nativeApi()`. */
  readonly native?: Pick<NativeApi, 'kind' | 'detail'>;
  /** Default: `udpApi()`. */
  readonly udp?: Pick<UdpApi, 'kind' | 'detail' | 'batchSocket'>;
  onFinding(finding: Finding): void;
  /** Default: this process's. */
  readonly machine?: Pick<NodeJS.Process, 'version' | 'platform' | 'arch'>;
  /** How long a transport may take to say what it can do. Default: 5 s. */
  readonly probeTimeoutMs?: number;
}

/**
 * What this machine has of all that xfer can use; nothing leaves it but loopback. Rejects with ERR_XFER_NO_TRANSPORT
 * where nothing could carry a transfer: all else that is missing costs speed or one way of several.
 */
export async function doctor(options: DoctorOptions): Promise<void> {
  const {
    transports,
    native = nativeApi(),
    udp = udpApi(),
    onFinding,
    machine = process,
    probeTimeoutMs = 5_000,
  } = options;
  onFinding(nodeFinding(machine));
  onFinding({ subject: 'sealing', ...speedOf(native) });
  for (const finding of await udpFindings(udp, machine.platform)) onFinding(finding);
  let works = 0;
  for (const { name, schemes } of transports.descriptors()) {
    const probe = await probed(transports, schemes[0] ?? '', probeTimeoutMs);
    if (probe.ok) works++;
    onFinding(transportFinding(name, schemes, probe));
  }
  for (const { plugin, error } of transports.failures)
    onFinding({ subject: `plugin ${plugin}`, ...failed(error) });
  if (works === 0)
    throw new XferError('ERR_XFER_NO_TRANSPORT', 'no transport works on this machine', {
      remedy: 'see what each of them lacks',
    });
}

function nodeFinding({ version, platform, arch }: Required<DoctorOptions>['machine']): Finding {
  const detail = `Node ${version.replace(/^v/, '')} on ${platform} ${arch}`;
  const isOld = Number(/^v(\d+)/.exec(version)?.[1]) < leastNode;
  return isOld
    ? { subject: 'node', state: 'missing', detail, remedy: `install Node ${leastNode} or newer` }
    : { subject: 'node', state: 'ok', detail };
}

function speedOf({ kind, detail }: Pick<NativeApi, 'kind' | 'detail'>): Omit<Finding, 'subject'> {
  return { state: kind === 'native' ? 'ok' : 'slower', detail };
}

async function udpFindings(
  udp: Required<DoctorOptions>['udp'],
  platform: NodeJS.Platform,
): Promise<Finding[]> {
  const findings: Finding[] = [{ subject: 'datagrams', ...speedOf(udp) }];
  try {
    const socket = await udp.batchSocket({ host: '127.0.0.1', port: 0 });
    const { features } = socket;
    socket.close();
    return [...findings, bufferFinding(features, platform), ...offloadFindings(features)];
  } catch (error) {
    return [...findings, { subject: 'udp socket', ...failed(networkError(error, 'a UDP socket')) }];
  }
}

function bufferFinding(features: BatchSocketFeatures, platform: NodeJS.Platform): Finding {
  const wanted = udpDefaults.socketBufferBytes;
  // Linux tells twice what it was asked for, and uses the other half for its own (socket(7)).
  const share = platform === 'linux' ? 1 / 2 : 1;
  const [receive, send] = [features.receiveBufferBytes * share, features.sendBufferBytes * share];
  const subject = 'socket buffers';
  const detail = `${formatSize(receive)} to receive, ${formatSize(send)} to send`;
  if (Math.min(receive, send) >= wanted) return { subject, state: 'ok', detail };
  const short = `${detail}, of ${formatSize(wanted)} that are wanted: bursts on fast links are lost`;
  if (platform !== 'linux') return { subject, state: 'slower', detail: short };
  const remedy = `sysctl -w net.core.rmem_max=${wanted} net.core.wmem_max=${wanted}`;
  return { subject, state: 'slower', detail: short, remedy };
}

function offloadFindings({ gso, gro, ecn }: BatchSocketFeatures): Finding[] {
  const one = (subject: string, has: boolean, gain: string): Finding => ({
    subject,
    state: has ? 'ok' : 'slower',
    detail: has ? gain : `not here: ${gain}`,
  });
  return [
    one('GSO', gso, 'the kernel cuts a run of packets by itself (UDP_SEGMENT)'),
    one('GRO', gro, 'the kernel gives packets of a run as one (UDP_GRO)'),
    one('ECN', ecn, 'routers can tell of a queue before they drop packets'),
  ];
}

async function probed(
  transports: TransportRegistry,
  scheme: string,
  timeoutMs: number,
): Promise<ProbeResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new XferError('ERR_XFER_TIMEOUT', `it said nothing for ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([transports.get(scheme).then((transport) => transport.probe()), late]);
  } catch (thrown) {
    const { code, message, remedy } = asXferError(thrown);
    return { ok: false, code, reason: message, remedy };
  } finally {
    clearTimeout(timer);
  }
}

function transportFinding(name: string, schemes: readonly string[], probe: ProbeResult): Finding {
  const urls = schemes.map((scheme) => `${scheme}://`).join(', ');
  const subject = `transport ${name}`;
  if (probe.ok) return { subject, state: 'ok', detail: `${urls} ${probe.detail}` };
  const detail = `${urls} ${probe.reason} (${probe.code})`;
  return { subject, state: 'missing', detail, remedy: probe.remedy };
}

function failed({ code, message, remedy }: XferError): Omit<Finding, 'subject'> {
  return { state: 'missing', detail: `${message} (${code})`, remedy };
}

const leastNode = 20;
