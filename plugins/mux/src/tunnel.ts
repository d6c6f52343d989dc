import { isXferError, XferError, type Address, type DialLimit } from 'xfer/plugin';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

type Connecting = Parameters<HttpsProxyAgent<string>['connect']>[1];

/** Gives a request for `to` a socket that an HTTP proxy has connected (CONNECT). */
export class Tunnel extends HttpsProxyAgent<string> {
  readonly #to: Address;
  readonly #name: string;
  readonly #limit: DialLimit;
  readonly #dialling: AbortController;
  readonly #finish: (socket: Socket) => Promise<Socket>;
  #answer: { readonly statusCode: number; readonly statusText: string } | undefined;

  /** `finish` makes of the connected socket what the request gets. */
  constructor(proxy: URL, to: Address, limit: DialLimit, finish: (socket: Socket) => Promise<Socket>) {
    // Not the limit's own signal: it would end the connection later, too.
    const dialling = new AbortController();
    super(proxy, { signal: dialling.signal });
    this.#to = to;
    // Without the password that may be in there.
    this.#name = `the HTTP proxy ${proxy.host}`;
    this.#limit = limit;
    this.#dialling = dialling;
    this.#finish = finish;
    this.once(
      'proxyConnect',
      (answer: { statusCode: number; statusText: string }) => (this.#answer = answer),
    );
  }

  override async connect(request: ClientRequest, options: Connecting): Promise<Socket> {
    const { signal } = this.#limit;
    const stopped = (): void => this.#dialling.abort();
    signal.throwIfAborted();
    signal.addEventListener('abort', stopped, { once: true });
    try {
      const socket = await super.connect(request, { ...options, secureEndpoint: false });
      if (this.#answer?.statusCode === 200) return await this.#finish(socket);
      socket.destroy();
      throw this.#refusal();
    } catch (error) {
      if (signal.aborted || isXferError(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new XferError('ERR_XFER_PROXY', `${this.#name}: ${reason}`, { cause: error });
    } finally {
      signal.removeEventListener('abort', stopped);
    }
  }

  #refusal(): XferError {
    const { statusCode = 0, statusText = '' } = this.#answer ?? {};
    const { host, port } = this.#to;
    const said = `${statusCode} ${JSON.stringify(statusText.slice(0, 80))}`;
    const message = `${this.#name} does not connect to ${host}:${port}: ${said}`;
    return statusCode === 407
      ? new XferError('ERR_XFER_PROXY', message, {
          remedy: 'write name and password into the variable: http://NAME:PASSWORD@HOST:PORT',
        })
      : new XferError('ERR_XFER_PROXY', message);
  }
}
