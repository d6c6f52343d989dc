import { createServer, type Server, type ServerResponse } from 'node:http';
import { networkError } from '../errors/index.js';
import { formatAddress, type Address } from '../transport/address.js';

export interface MetricsPages {
  readonly contentType: string;
  text(): Promise<string>;
  health(): { readonly isHealthy: boolean; readonly report: unknown };
}

/** A request that is not whole by then is cut; who asks sends a line and a few headers. */
const requestTimeoutMs = 5_000;
const maxHeaderBytes = 8 * 1024;
const maxConnections = 32;

/** `/metrics` for Prometheus and `/healthz` for whoever balances load. */
export class MetricsServer {
  readonly #server: Server;
  readonly #at: Address;

  private constructor(server: Server, at: Address) {
    this.#server = server;
    this.#at = at;
  }

  /** Rejects with ERR_XFER_ADDRESS_IN_USE or another error of the network. */
  static async listen(at: Address, pages: MetricsPages): Promise<MetricsServer> {
    const server = createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        requestTimeout: requestTimeoutMs,
        headersTimeout: requestTimeoutMs,
        connectionsCheckingInterval: requestTimeoutMs,
      },
      (request, response) => {
        // Nothing that is asked here has a body.
        request.resume();
        void answer(request.method ?? '', request.url ?? '', response, pages);
      },
    );
    server.maxConnections = maxConnections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(networkError(cause, `cannot serve metrics on ${formatAddress(at)}`)),
      );
      server.listen({ host: at.host, port: at.port }, resolve);
    });
    return new MetricsServer(server, at);
  }

  /** With the real port. */
  get url(): string {
    const bound = this.#server.address();
    const port = typeof bound === 'object' && bound ? bound.port : this.#at.port;
    return `${formatAddress({ ...this.#at, port })}/metrics`;
  }

  /** Whether only this machine reaches it. */
  get isLocal(): boolean {
    return /^(127\.|localhost$|::1$)/.test(this.#at.host);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function answer(
  method: string,
  url: string,
  response: ServerResponse,
  pages: MetricsPages,
): Promise<void> {
  const respond = (status: number, type: string, body: string): void => {
    const headers = {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    };
    response.writeHead(status, headers).end(method === 'HEAD' ? undefined : body);
  };
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return respond(405, 'text/plain', 'only GET is answered\n');
  }
  switch (url.split('?')[0]) {
    case '/metrics':
      try {
        return respond(200, pages.contentType, await pages.text());
      } catch {
        return respond(500, 'text/plain', 'the metrics could not be gathered\n');
      }
    case '/healthz': {
      const { isHealthy, report } = pages.health();
      return respond(isHealthy ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`);
    }
    default:
      return respond(404, 'text/plain', 'there are /metrics and /healthz\n');
  }
}
