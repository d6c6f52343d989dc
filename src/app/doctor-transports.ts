import { asXferError, XferError } from '../errors/index.js';
import type { ProbeResult } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { Finding } from './finding.js';
import { unlessAborted } from './unless-aborted.js';

/** What each transport says of this machine, one after the other, and which plugins failed. The names of those that work. Rejects with the signal's reason alone. */
export async function probeTransports(
  transports: TransportRegistry,
  timeoutMs: number,
  signal: AbortSignal,
  onFinding: (finding: Finding, transport?: string) => void,
): Promise<ReadonlySet<string>> {
  const works = new Set<string>();
  for (const { name, schemes } of transports.descriptors()) {
    const probe = await probeTransport(transports, schemes[0] ?? '', timeoutMs, signal);
    if (probe.ok) works.add(name);
    onFinding(transportFinding(name, schemes, probe), name);
  }
  for (const { plugin, error } of transports.failures) {
    const { code, message, remedy } = error;
    onFinding({
      subject: `plugin ${plugin}`,
      state: 'missing',
      detail: `${message} (${code})`,
      remedy,
    });
  }
  return works;
}

/** What it says of this machine, or why it cannot be loaded or says nothing in time. Rejects with the signal's reason alone. */
export async function probeTransport(
  transports: TransportRegistry,
  scheme: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new XferError('ERR_XFER_TIMEOUT', `it said nothing for ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    const probe = transports.get(scheme).then((transport) => transport.probe());
    return await unlessAborted(signal, Promise.race([probe, late]));
  } catch (thrown) {
    signal.throwIfAborted();
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
