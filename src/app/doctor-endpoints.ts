import type { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { Finding } from './finding.js';

/** What a pipe can end in here, and which plugins failed to bring more. Nothing is loaded for it. */
export function endpointFindings({ schemes, failures }: EndpointRegistry): Finding[] {
  const there = schemes.map((scheme) => `${scheme}:`).join(', ');
  return [
    { subject: 'endpoints', state: there === '' ? 'none' : 'ok', detail: there || 'none' },
    ...failures.map(({ plugin, error: { code, message, remedy } }): Finding => ({
      subject: `plugin ${plugin}`,
      state: 'missing',
      detail: `${message} (${code})`,
      remedy,
    })),
  ];
}
