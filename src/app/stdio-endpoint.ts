import type { Endpoint, EndpointUse } from '../pipe/endpoint.js';
import { stdoutSink } from '../pipe/stdio-sink.js';
import { stdinSource } from '../pipe/stdio-source.js';

/** stdin as a source, stdout as a sink. They stay open: they are the process's. */
export function stdioEndpoint(use: EndpointUse): Endpoint {
  return {
    label: '-',
    ...(use === 'sink' ? {} : { source: stdinSource() }),
    ...(use === 'source' ? {} : { sink: stdoutSink() }),
    close: () => Promise.resolve(),
  };
}
