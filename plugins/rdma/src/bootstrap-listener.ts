import { XferError, type FabricPeer, type FabricProvider } from 'xfer/plugin';
import type { BootstrapChannel } from './bootstrap-channel.js';
import { bootstrapVersion, refusalCode, type BootstrapMessage } from './bootstrap-message.js';
import { violation } from './message-head.js';
import type { OpenEndpoint } from './open-endpoint.js';
import { commonProviders, sharedMemory } from './provider-choice.js';
import { wordsOf, type OwnFabrics } from './rdma-context.js';

/** What a listener has to say to one dialer before there is an endpoint. */
export interface ListenerTerms {
  readonly own: OwnFabrics;
  /** Words of a refusal where there may be no further endpoint. */
  limit(): string | undefined;
  open(provider: FabricProvider): Promise<OpenEndpoint>;
}

export interface Opened {
  readonly ours: OpenEndpoint;
  readonly provider: string;
}

/** Answers a hello with an endpoint of the first provider that both ends have and that opens. Rejects where it had to refuse. */
export async function answerHello(
  channel: BootstrapChannel,
  terms: ListenerTerms,
  signal: AbortSignal,
): Promise<Opened> {
  const hello = await channel.next(signal);
  if (hello.kind !== 'hello') throw violation('no hello');
  const refuse = (code: number, words: string): XferError => {
    channel.send({ kind: 'refusal', code, words });
    return new XferError('ERR_XFER_REFUSED', words);
  };
  if (hello.lowest > bootstrapVersion || hello.highest < bootstrapVersion)
    throw refuse(refusalCode.version, `xfer over fabrics of version ${bootstrapVersion} only`);
  const { own, open } = terms;
  const common = commonProviders(hello.offers, own.providers, isSameHost(hello.host, own.host));
  if (common.length === 0) throw refuse(refusalCode.noProvider, noneCommon(hello, own));
  const limit = terms.limit();
  if (limit !== undefined) throw refuse(refusalCode.limit, limit);
  const failed: string[] = [];
  for (const candidate of common) {
    try {
      const ours = await open(candidate);
      const { provider } = candidate;
      channel.send({ kind: 'answer', version: bootstrapVersion, provider, party: ours.party });
      return { ours, provider };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      failed.push(`${candidate.provider}: ${wordsOf(thrown)}`);
    }
  }
  throw refuse(refusalCode.notOpened, `no endpoint opens there: ${failed.join('; ')}`);
}

/** The dialer's endpoint. */
export async function readyOf(channel: BootstrapChannel, signal: AbortSignal): Promise<FabricPeer> {
  const ready = await channel.next(signal);
  if (ready.kind !== 'ready') throw violation('no endpoint');
  return ready.party;
}

function isSameHost(theirs: Uint8Array | undefined, ours: Uint8Array | undefined): boolean {
  return theirs !== undefined && ours !== undefined && Buffer.compare(theirs, ours) === 0;
}

function noneCommon({ offers }: BootstrapMessage & { kind: 'hello' }, { providers }: OwnFabrics): string {
  const list = (of: readonly { readonly provider: string }[]): string =>
    of.map(({ provider }) => provider).join(', ');
  const shared = [offers, providers].every((of) => of.some(({ provider }) => provider === sharedMemory));
  const why = shared ? ' (shm needs one host, one user and one /dev/shm)' : '';
  return `no common provider: it has ${list(providers)}, the dialer ${list(offers)}${why}`;
}
