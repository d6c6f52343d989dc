import { asXferError, XferError } from '../errors/index.js';
import type { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { EndpointDescriptor } from '../pipe/endpoint.js';
import type { ProbeResult } from '../transport/contract.js';
import type { Finding } from './finding.js';
import { unlessAborted } from './unless-aborted.js';

/**
 * What a pipe can end in here: those that lack nothing in one line, each of the others with what it says of itself, and which
 * plugins failed. Rejects with the signal's reason alone.
 */
export async function endpointFindings(
  registry: EndpointRegistry,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Finding[]> {
  const plain: string[] = [];
  const told: Finding[] = [];
  for (const descriptor of registry.descriptors()) {
    const urls = descriptor.schemes.map((scheme) => `${scheme}:`).join(', ');
    const probe = await probed(registry, descriptor, timeoutMs, signal);
    if (probe) told.push(findingOf(`endpoints ${descriptor.name}`, urls, probe));
    else plain.push(urls);
  }
  const there = plain.join(', ');
  return [
    { subject: 'endpoints', state: there === '' ? 'none' : 'ok', detail: there || 'none' },
    ...told,
    ...registry.failures.map(({ plugin, error: { code, message, remedy } }): Finding => ({
      subject: `plugin ${plugin}`,
      state: 'missing',
      detail: `${message} (${code})`,
      remedy,
    })),
  ];
}

/** Undefined: it says nothing of itself. */
async function probed(
  registry: EndpointRegistry,
  { schemes }: EndpointDescriptor,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new XferError('ERR_XFER_TIMEOUT', `they said nothing for ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    const probe = registry.kindOf(`${schemes[0] ?? ''}:`).then((kind) => kind.probe?.());
    return await unlessAborted(signal, Promise.race([probe, late]));
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message, remedy } = asXferError(thrown);
    return { ok: false, code, reason: message, remedy };
  } finally {
    clearTimeout(timer);
  }
}

function findingOf(subject: string, urls: string, probe: ProbeResult): Finding {
  if (probe.ok) return { subject, state: 'ok', detail: `${urls} ${probe.detail}` };
  const detail = `${urls} ${probe.reason} (${probe.code})`;
  return { subject, state: 'missing', detail, remedy: probe.remedy };
}
