import { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { ReceiveOptions, SendResult } from './options.js';
import { listenForPipes } from './pipe-listen.js';
import type { LocalPlace } from './pipe-place.js';
import { stdioEndpoint } from './stdio-endpoint.js';

/** Takes one stream, of `xfer send -` or `xfer pipe`, and writes it to stdout; then it ends. */
export function receiveToStdout(options: ReceiveOptions): Promise<SendResult> {
  const { listen: urls, room } = options;
  const place: LocalPlace = { kind: 'local', open: (use) => Promise.resolve(stdioEndpoint(use)) };
  return listenForPipes(
    { ...options, endpoints: new EndpointRegistry(), from: [], to: [], ofFile: 'recv' },
    { from: [{ kind: 'listen', urls, ...(room === undefined ? {} : { room }) }], to: [place] },
  );
}
