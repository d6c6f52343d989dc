import { XferError, type FabricPeer, type FabricProvider } from 'xfer/plugin';
import type { BootstrapChannel } from './bootstrap-channel.js';
import { bootstrapVersion, refusalError, type BootstrapMessage } from './bootstrap-message.js';
import { violation } from './message-head.js';
import type { OpenEndpoint } from './open-endpoint.js';
import { sharedMemory } from './provider-choice.js';
import { wordsOf, type OwnFabrics } from './rdma-context.js';

/** The provider that both ends agreed on does not work between them: another one may. */
export class ProviderFailed extends Error {
  override readonly name = 'ProviderFailed';
  readonly provider: string;
  /** What the caller of the dial is told. */
  readonly error: XferError;

  constructor(provider: string, error: XferError) {
    super(error.message, { cause: error });
    this.provider = provider;
    this.error = error;
  }
}

export interface Exchanged {
  readonly ours: OpenEndpoint;
  readonly provider: FabricProvider;
  readonly peer: FabricPeer;
}

/** Says hello with what we have, opens an endpoint of the provider that the listener chose, and tells it of ours. */
export async function exchangeAsDialer(
  channel: BootstrapChannel,
  { providers, host }: OwnFabrics,
  open: (provider: FabricProvider) => Promise<OpenEndpoint>,
  name: string,
  signal: AbortSignal,
): Promise<Exchanged> {
  // Without an identity nobody can know that shared memory would work.
  const offered = providers.filter(({ provider }) => host !== undefined || provider !== sharedMemory);
  if (offered.length === 0)
    throw new XferError('ERR_XFER_NO_TRANSPORT', 'this machine does not tell what shares memory with it');
  channel.send({ kind: 'hello', lowest: bootstrapVersion, highest: bootstrapVersion, host, offers: offered });
  const answer = await channel.next(signal);
  const provider = chosenOf(answer, offered, name);
  const peer = 'party' in answer ? answer.party : undefined;
  if (!peer) throw violation('no endpoint');
  let ours: OpenEndpoint;
  try {
    ours = await open(provider);
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    throw new ProviderFailed(
      provider.provider,
      new XferError(
        'ERR_XFER_UNREACHABLE',
        `${name}: ${provider.provider} does not open here: ${wordsOf(thrown)}`,
        {
          cause: thrown,
          remedy: 'xfer doctor says what is missing; or use another provider or transport',
        },
      ),
    );
  }
  channel.send({ kind: 'ready', party: ours.party });
  return { ours, provider, peer };
}

function chosenOf(
  answer: BootstrapMessage,
  offered: readonly FabricProvider[],
  name: string,
): FabricProvider {
  if (answer.kind === 'refusal') throw refusalError(answer.code, answer.words, name);
  if (answer.kind !== 'answer') throw violation(`${name}: no answer to a hello`);
  if (answer.version !== bootstrapVersion)
    throw new XferError('ERR_XFER_VERSION', `${name}: xfer over fabrics of version ${answer.version}`);
  const provider = offered.find((own) => own.provider === answer.provider);
  if (!provider) throw violation(`${name}: it chose what was not offered`);
  return provider;
}
