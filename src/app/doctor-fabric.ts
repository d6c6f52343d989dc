import { rdmaDefaults } from '../config/index.js';
import { formatSize } from '../config/quantity.js';
import { buildCommand } from '../native/build-command.js';
import type { FabricFinding, FabricProvider } from '../native/fabric-api.js';
import { sudo } from './doctor-machine.js';
import { coreProvider } from './fabric-gain.js';
import type { Finding } from './finding.js';
import type { MachineFacts } from './machine-facts.js';

export interface FabricFacts {
  readonly facts: MachineFacts;
  readonly fabric: FabricFinding;
  /** Undefined where libfabric could not be asked. */
  readonly providers: readonly FabricProvider[] | undefined;
  /** `FI_PROVIDER`, by which libfabric leaves others out (fi_provider(7)). */
  readonly onlyProvider: string | undefined;
}

/**
 * What there is of fabrics: libfabric, its providers, and what a device needs to be used. Nothing of it is a fault where there is no
 * device, as on most machines.
 */
export function fabricFindings(known: FabricFacts): Finding[] {
  const { facts, fabric } = known;
  if (!fabric.ok) return [missingLibrary(facts, fabric.reason)];
  return [
    libraryFinding(known, fabric.api.version),
    ...providerFindings(known),
    ...lockedMemory(facts),
    ...hugePages(facts),
    ...elasticAdvice(facts),
  ];
}

const subject = 'libfabric';
const hasElastic = ({ rdmaDevices }: MachineFacts): boolean =>
  rdmaDevices.some(({ driver }) => driver === 'efa');

function missingLibrary(facts: MachineFacts, reason: string): Finding {
  const { isNativeOff, isRoot, packageDirectory, platform, rdmaDevices } = facts;
  const state = rdmaDevices.length > 0 ? 'missing' : 'none';
  const detail = rdmaDevices.length > 0 ? reason : `${reason}; only rdma needs it`;
  if (isNativeOff) return { subject, state, detail, remedy: 'unset XFER_NATIVE' };
  if (platform !== 'linux') return { subject, state, detail };
  const build = buildCommand(packageDirectory);
  const remedy = hasElastic(facts)
    ? `install the EFA software of AWS (docs/rdma.md), then: ${build}`
    : `${sudo(isRoot)}apt-get install -y libfabric-dev pkg-config && ${build}`;
  return { subject, state, detail, remedy };
}

function libraryFinding({ facts, providers, onlyProvider }: FabricFacts, version: string): Finding {
  const hidden = onlyProvider === undefined ? '' : `; FI_PROVIDER=${onlyProvider} leaves all others out`;
  const detail = `${version}${hidden}`;
  const hasHardware = providers?.some(({ provider }) => isHardware(provider)) === true;
  if (facts.rdmaDevices.length === 0 || hasHardware) return { subject, state: 'ok', detail };
  const unused = `${detail}: no provider for the device`;
  if (onlyProvider !== undefined)
    return { subject, state: 'missing', detail: unused, remedy: 'unset FI_PROVIDER' };
  const remedy = hasElastic(facts)
    ? 'see what is said by: FI_LOG_LEVEL=warn fi_info -p efa'
    : 'see what is said by: FI_LOG_LEVEL=warn fi_info -p verbs';
  return { subject, state: 'missing', detail: unused, remedy };
}

const isHardware = (provider: string): boolean => ['efa', 'verbs'].includes(coreProvider(provider));

/** A row each, with all the places that it leads from. */
function providerFindings({ providers }: FabricFacts): Finding[] {
  if (providers === undefined)
    return [{ subject: 'provider', state: 'none', detail: 'libfabric did not say which it has' }];
  if (providers.length === 0)
    return [{ subject: 'provider', state: 'none', detail: 'libfabric has none for reliable datagrams' }];
  const names = [...new Set(providers.map(({ provider }) => provider))];
  return names.map((name) => {
    const all = providers.filter(({ provider }) => provider === name);
    const places = [...new Set(all.map(placeOf))].join(', ');
    return {
      subject: `provider ${coreProvider(name)}`,
      state: 'ok',
      detail: `${name} ${all[0]?.version ?? ''}: ${places}`,
    };
  });
}

function placeOf({ fabric, domain, device, bitsPerSecond }: FabricProvider): string {
  const on = device === undefined || device === domain ? '' : ` on ${device}`;
  const speed = bitsPerSecond === undefined ? '' : `, ${Math.round(bitsPerSecond / 1e8) / 10} Gbit/s`;
  return `${domain}${on} (${fabric}${speed})`;
}

/** What one connection registers with the device, and is locked: its receive buffers, and the blocks that it sends from. */
const { largeBytes, largeCount, smallBytes, smallCount, memoryBlocks } = rdmaDefaults;
const connectionBytes = (largeCount + memoryBlocks) * largeBytes + smallCount * smallBytes;
/** A session may have so many over one transport, with what it comes from. */
const wantedBytes = 4 * connectionBytes;

function lockedMemory({ lockedBytes, isRoot, mayRaiseLimits, rdmaDevices }: MachineFacts): Finding[] {
  if (lockedBytes === undefined) return [];
  const about = { subject: 'locked memory' };
  const most = lockedBytes === Infinity ? 'as much as there is' : `${formatSize(lockedBytes)} at most`;
  if (rdmaDevices.length === 0)
    return [{ ...about, state: 'ok', detail: `${most}; without a device nothing is locked` }];
  const one = `one connection over a device takes ${formatSize(connectionBytes)}`;
  if (lockedBytes >= wantedBytes) return [{ ...about, state: 'ok', detail: `${most}; ${one}` }];
  const remedy = mayRaiseLimits
    ? `${sudo(isRoot)}prlimit --pid $$ --memlock=unlimited:unlimited`
    : 'start the container with more, such as docker run --ulimit memlock=-1:-1';
  const state = lockedBytes >= connectionBytes ? 'slower' : 'missing';
  return [{ ...about, state, detail: `${most}, and ${one}`, remedy }];
}

/** They make registered memory cheaper for the device to find, and are used where they are to be had. */
function hugePages({ hugePages: pages }: MachineFacts): Finding[] {
  if (!pages) return [];
  const about = { subject: 'huge pages' };
  if (pages.total === 0)
    return [{ ...about, state: 'none', detail: 'none set aside; ordinary ones do as well' }];
  const detail = `${pages.free} of ${pages.total} free, of ${formatSize(pages.bytes)} each`;
  return [{ ...about, state: 'ok', detail }];
}

/** What cannot be seen from here, and is most often wrong. */
function elasticAdvice(facts: MachineFacts): Finding[] {
  if (!hasElastic(facts)) return [];
  return [
    {
      subject: 'EFA network',
      state: 'ok',
      detail:
        'both ends need one security group that allows all traffic within itself, in and out, and the same availability zone; a cluster placement group has the shortest way',
    },
  ];
}
