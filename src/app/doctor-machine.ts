import { relayDefaults } from '../config/index.js';
import { formatRate } from '../config/quantity.js';
import { cipher, type NativeApi } from '../native/api.js';
import { buildCommand } from '../native/build-command.js';
import type { UdpApi } from '../native/udp-api.js';
import type { Finding } from './finding.js';
import type { MachineFacts } from './machine-facts.js';

const leastNode = 20;
/** As common as jumbo frames get; more is loopback's. */
const jumboBytes = 9000;
/** A relay has a connection on either side of it for each one that it admits. */
const wantedOpenFiles = 2 * relayDefaults.maxAdmittedConnections;
const openFilesToSet = 65_536;

export function nodeFinding(facts: MachineFacts): Finding {
  const { version, platform, arch, kernel, processors } = facts;
  const many = `${processors} processor${processors === 1 ? '' : 's'}`;
  const detail = `Node ${version.replace(/^v/, '')} on ${platform} ${arch}, kernel ${kernel}, ${many}`;
  const isOld = Number(/^v(\d+)/.exec(version)?.[1]) < leastNode;
  return isOld
    ? { subject: 'node', state: 'missing', detail, remedy: `install Node ${leastNode} or newer` }
    : { subject: 'node', state: 'ok', detail };
}

/** `platforms`: those that the addon is for. */
export function addonFinding(
  subject: 'sealing' | 'datagrams',
  platforms: readonly NodeJS.Platform[],
  { kind, detail }: Pick<NativeApi | UdpApi, 'kind' | 'detail'>,
  { isNativeOff, platform, packageDirectory }: MachineFacts,
): Finding {
  if (kind === 'native') return { subject, state: 'ok', detail };
  if (isNativeOff) return { subject, state: 'slower', detail, remedy: 'unset XFER_NATIVE' };
  if (!platforms.includes(platform)) return { subject, state: 'slower', detail };
  return { subject, state: 'slower', detail, remedy: buildCommand(packageDirectory) };
}

/** `bytesPerSecond`: what one core was seen to seal. */
export function cipherFinding(
  { preferredCipher, hasWideGcm }: Pick<NativeApi, 'preferredCipher' | 'hasWideGcm'>,
  bytesPerSecond: number | undefined,
): Finding {
  const hasAes = preferredCipher === cipher.aes256gcm;
  const which = hasAes
    ? `AES-256-GCM, for which the processor has ${hasWideGcm() ? 'wide instructions' : 'instructions'}`
    : 'ChaCha20-Poly1305, for the processor has no instructions for AES';
  const speed = bytesPerSecond === undefined ? '' : `; one core seals ${formatRate(bytesPerSecond)}`;
  return { subject: 'cipher', state: 'ok', detail: `${which}${speed}` };
}

export function openFilesFinding(facts: MachineFacts): Finding[] {
  const { openFiles, platform, isRoot, mayRaiseLimits } = facts;
  if (openFiles === undefined) return [];
  const subject = 'open files';
  const most = openFiles === Infinity ? 'as many as there are' : `${openFiles} at most`;
  if (openFiles >= wantedOpenFiles) return [{ subject, state: 'ok', detail: most }];
  const detail = `${most}, of ${wantedOpenFiles} that a busy relay wants; enough for a few transfers`;
  if (platform !== 'linux') return [{ subject, state: 'slower', detail }];
  const limits = `nofile=${openFilesToSet}:${openFilesToSet}`;
  const remedy = mayRaiseLimits
    ? `${sudo(isRoot)}prlimit --pid $$ --${limits}`
    : `start the container with more, such as docker run --ulimit ${limits}`;
  return [{ subject, state: 'slower', detail, remedy }];
}

/** MTUs are the interfaces' own: what a path carries, udp finds out. */
export function interfaceFindings({ interfaces }: MachineFacts): Finding[] {
  const told = interfaces.filter(({ mtuBytes }) => mtuBytes !== undefined);
  const jumbo = told.filter(({ isLoopback, mtuBytes = 0 }) => !isLoopback && mtuBytes >= jumboBytes);
  const hint =
    jumbo.length > 0
      ? `; jumbo frames on ${jumbo.map(({ name }) => name).join(', ')}, which udp uses where the whole path has them`
      : '';
  const list = told.map(({ name, mtuBytes }) => `${name} ${mtuBytes}`).join(', ');
  const six = interfaces.filter(({ hasIPv6 }) => hasIPv6).map(({ name }) => name);
  return [
    told.length > 0
      ? { subject: 'MTU', state: 'ok', detail: `${list}${hint}` }
      : { subject: 'MTU', state: 'none', detail: 'this system does not tell it' },
    six.length > 0
      ? { subject: 'IPv6', state: 'ok', detail: `on ${six.join(', ')}` }
      : { subject: 'IPv6', state: 'none', detail: 'no address that leads out of its link: IPv4 alone' },
  ];
}

/** `hasTransport`: something here could use them. */
export function rdmaFinding({ rdmaDevices }: MachineFacts, hasTransport: boolean): Finding {
  const subject = 'RDMA';
  if (rdmaDevices.length === 0)
    return { subject, state: 'none', detail: 'no EFA or other device, which few machines have' };
  const list = rdmaDevices.map(({ name, driver, link }) => {
    const known = [driver, link].filter((one) => one !== undefined).join(', ');
    return known === '' ? name : `${name} (${known})`;
  });
  const unused = hasTransport ? '' : ': no transport is installed that uses it';
  return { subject, state: hasTransport ? 'ok' : 'none', detail: `${list.join(', ')}${unused}` };
}

export const sudo = (isRoot: boolean): string => (isRoot ? '' : 'sudo ');
