import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { unlessAborted } from '../app/unless-aborted.js';
import type { BenchSetup, StartedRelay } from './contract.js';
import { startListeningChild, type ListeningChild } from './listening-child.js';
import { tuningFlagsOf } from './tuning-flags-of.js';

export interface BenchRelays {
  /** For `--via`, the nearest to the sender first. */
  readonly addresses: readonly string[];
  /** In the same order. */
  readonly pids: readonly number[];
  /** Ends them all, and waits until they have. Does not reject. */
  close(): Promise<void>;
}

type RelaysSetup = Pick<
  BenchSetup,
  'directory' | 'hops' | 'place' | 'relays' | 'signal' | 'transports' | 'tuning'
>;

let started = 0;

/**
 * Starts `setup.hops` relays that listen with `transport` (its name or a scheme), each a process with an identity of its own,
 * and waits until all of them do. They are where the far end is, behind the link if there is one, and dial nothing but that.
 * Those that run already are left as they are. Rejects with an XferError or with the signal's reason; none runs then.
 */
export async function startRelays(setup: RelaysSetup, transport: string): Promise<BenchRelays> {
  if (setup.relays) return asStarted(setup.relays);
  const { hops, place, signal, transports, tuning } = setup;
  const scheme = transports.descriptors().find(({ name }) => name === transport)?.schemes[0] ?? transport;
  const { farHost: host, far: prefix } = place;
  // A relay on loopback alone dials there without being told.
  const dial = host === '127.0.0.1' ? [] : ['--dial', host];
  const start = async (at: number): Promise<ListeningChild> => {
    const home = join(setup.directory, `relay-${started++}`);
    const config = join(home, 'relay.json');
    await mkdir(home, { recursive: true });
    await writeFile(config, JSON.stringify({ limits: relayLimits }));
    const args = [
      'relay',
      '--listen',
      `${scheme}://${host}:0`,
      '--config',
      config,
      ...dial,
      ...tuningFlagsOf(tuning),
    ];
    return startListeningChild(args, { prefix, env: { XFER_HOME: home }, name: `relay ${at + 1}` });
  };
  const starting = Promise.allSettled(Array.from({ length: hops }, (_, at) => start(at)));
  const close = async (): Promise<void> => {
    const children = (await starting).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const child of children) child.stop();
    await Promise.all(children.map(({ ended }) => ended));
  };
  try {
    const relays = (await unlessAborted(signal, starting)).map((one) => {
      if (one.status === 'fulfilled') return one.value;
      throw one.reason;
    });
    return { addresses: relays.map(({ address }) => address), pids: relays.map(({ pid }) => pid), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function asStarted(relays: readonly StartedRelay[]): BenchRelays {
  return {
    addresses: relays.map(({ address }) => address),
    pids: relays.map(({ pid }) => pid),
    close: () => Promise.resolve(),
  };
}

/** Of the path is to be measured, not what a relay would let a stranger have. */
const relayLimits = {
  maxStreams: 2 * benchDefaults.maxStreams,
  streamsPerPeer: benchDefaults.maxStreams,
  streamsPerSecond: 1_000_000,
  streamsPerSecondPerPeer: 1_000_000,
};
