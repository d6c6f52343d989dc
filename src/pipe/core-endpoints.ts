import { fileEndpoints } from './file-endpoint.js';
import { endpointApiVersion, type EndpointDescriptor, type EndpointKind } from './endpoint.js';

/** The endpoints that xfer has without a plugin, for the registry. Each is loaded on first use. */
export function coreEndpoints(): readonly EndpointDescriptor[] {
  return [
    fileEndpoints(),
    descriptor('exec', async () => (await import('./exec-endpoint.js')).execEndpoint),
    descriptor('unix', async () => (await import('./unix-endpoint.js')).unixEndpoint),
    descriptor('tcp-connect', async () => (await import('./tcp-endpoints.js')).tcpConnect()),
    descriptor('tcp-listen', async () => (await import('./tcp-endpoints.js')).tcpListen),
  ];
}

const descriptor = (scheme: string, load: () => Promise<EndpointKind>): EndpointDescriptor => ({
  apiVersion: endpointApiVersion,
  name: scheme,
  schemes: [scheme],
  load,
});
