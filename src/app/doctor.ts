import { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { FabricFinding, FabricProvider } from '../native/fabric-api.js';
import { nativeApi } from '../native/index.js';
import { fabricApi } from '../native/load-fabric.js';
import type { UdpApi } from '../native/udp-api.js';
import { udpApi } from '../native/udp.js';
import type { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { datagrams } from './doctor-datagrams.js';
import { endpointFindings } from './doctor-endpoints.js';
import { fabricFindings } from './doctor-fabric.js';
import {
  addonFinding,
  cipherFinding,
  interfaceFindings,
  nodeFinding,
  openFilesFinding,
  rdmaFinding,
} from './doctor-machine.js';
import { addressesOf, tryPaths } from './doctor-paths.js';
import { probeTransports } from './doctor-transports.js';
import { verdictOf } from './doctor-verdict.js';
import type { Finding, PathFinding, Verdict } from './finding.js';
import { machineFacts, type MachineFacts } from './machine-facts.js';
import { sealingRate } from './sealing-rate.js';
import { unlessAborted } from './unless-aborted.js';

export interface DoctorOptions {
  readonly transports: TransportRegistry;
  /** What a pipe can end in. Default: nothing is told of it. */
  readonly endpoints?: EndpointRegistry;
  /** Of what this layer does not know. */
  readonly moreFindings?: () => readonly Finding[];
  /** `[scheme://]host[:port]`: what works on the path there. Default: nothing leaves this machine. */
  readonly target?: string;
  /** Aborting it ends everything with its reason. Default: never. */
  readonly signal?: AbortSignal;
  onFinding(finding: Finding): void;
  onPath?(path: PathFinding): void;
  onVerdict?(verdict: Verdict): void;
  /** Default: `nativeApi()`. */
  readonly native?: Pick<NativeApi, 'kind' | 'detail' | 'preferredCipher' | 'hasWideGcm' | 'seal'>;
  /** Default: `udpApi()`. */
  readonly udp?: Pick<UdpApi, 'kind' | 'detail' | 'batchSocket'>;
  /** Asked only where there is a transport for it. Default: `fabricApi`. */
  readonly fabric?: () => Promise<FabricFinding>;
  /** How transports are to use the path. */
  readonly tuning?: TransportTuning;
  /** Default: this one. */
  readonly machine?: MachineFacts;
  /** How long a transport, or a kind of endpoints, may take to say what it can do. Default: 5 s. */
  readonly probeTimeoutMs?: number;
  /** How long the target may take to answer. Default: 5 s. */
  readonly dialTimeoutMs?: number;
}

/**
 * What this machine has of all that xfer can use, and with a target what works on the path there. Without one nothing
 * leaves the machine but loopback. Rejects with ERR_XFER_NO_TRANSPORT where nothing could carry a transfer: all else that
 * is missing costs speed or one way of several; with ERR_XFER_UNREACHABLE where the target answers on no transport.
 */
export async function doctor(options: DoctorOptions): Promise<void> {
  const {
    transports,
    target,
    signal = new AbortController().signal,
    onFinding,
    native = nativeApi(),
    udp = udpApi(),
    probeTimeoutMs = 5_000,
    dialTimeoutMs = 5_000,
  } = options;
  const addresses = target === undefined ? [] : addressesOf(target, transports.schemes());
  const facts = options.machine ?? (await unlessAborted(signal, machineFacts()));
  const sealing = await unlessAborted(signal, sealingRate(native));
  const { findings, ...buffers } = await unlessAborted(signal, datagrams(udp, facts));
  const hasRdma = transports.schemes().includes('rdma');
  const found = [
    nodeFinding(facts),
    addonFinding('sealing', ['linux', 'darwin'], native, facts),
    cipherFinding(native, sealing),
    addonFinding('datagrams', ['linux'], udp, facts),
    ...findings,
    ...interfaceFindings(facts),
    ...openFilesFinding(facts),
    rdmaFinding(facts, hasRdma),
    ...(hasRdma ? await fabrics(options, facts, probeTimeoutMs, signal) : []),
  ];
  for (const finding of found) onFinding(finding);
  const working = await probeTransports(transports, probeTimeoutMs, signal, (finding, name) =>
    onFinding(name === 'rdma' ? unalarming(finding, facts) : finding),
  );
  if (options.endpoints)
    for (const finding of await endpointFindings(options.endpoints, probeTimeoutMs, signal))
      onFinding(finding);
  for (const finding of options.moreFindings?.() ?? []) onFinding(finding);
  if (working.size === 0)
    throw new XferError('ERR_XFER_NO_TRANSPORT', 'no transport works on this machine', {
      remedy: 'see what each of them lacks',
    });
  if (target === undefined) return;
  const { paths, isSameHost } = await tryPaths({
    ...{ transports, signal },
    // Few have a fabric, and nobody is to wonder why it does not work. Who names it hears why.
    addresses: addresses.filter(
      ({ address }) => target.includes('://') || address.scheme !== 'rdma' || working.has('rdma'),
    ),
    ...(options.tuning ? { tuning: options.tuning } : {}),
    timeoutMs: dialTimeoutMs,
    interfaces: facts.interfaces,
    onPath: (path) => options.onPath?.(path),
  });
  options.onVerdict?.(
    verdictOf(paths, { ...buffers, sealing, hearsRefusals: udp.kind === 'native', isSameHost }),
  );
  if (!paths.some(({ state }) => state === 'works'))
    throw new XferError('ERR_XFER_UNREACHABLE', `${target} answers on no transport`, {
      remedy: 'check the host, that xfer recv or xfer relay runs there, and firewalls on the way',
    });
}

/** What there is of fabrics. Never rejects but with the signal's reason. */
async function fabrics(
  { fabric = fabricApi }: DoctorOptions,
  facts: MachineFacts,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Finding[]> {
  const finding = await unlessAborted(signal, fabric());
  const providers = finding.ok ? await unlessAborted(signal, providersOf(finding.api, timeoutMs)) : undefined;
  const onlyProvider = process.env['FI_PROVIDER'] || undefined;
  return fabricFindings({ facts, fabric: finding, providers, onlyProvider });
}

/** Undefined where it says nothing in time. */
async function providersOf(
  api: { providers(): Promise<readonly FabricProvider[]> },
  timeoutMs: number,
): Promise<readonly FabricProvider[] | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), timeoutMs)));
  try {
    return await Promise.race([api.providers(), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Where there is no device, a transport for it that does not work is no fault, and what to do was said before. */
function unalarming(finding: Finding, { rdmaDevices: devices }: MachineFacts): Finding {
  if (finding.state !== 'missing' || devices.length > 0) return finding;
  const { subject, detail } = finding;
  return { subject, state: 'none', detail };
}
