import type { Router } from 'zeromq';
import type { ZmqBinding, ZmqContext } from './binding.js';
import { z85Encode } from './z85.js';

/**
 * Answers whether a client may come, by its public key: ZAP (ZeroMQ RFC 27), one handler a context. A client that is not
 * asked about does not come in: libzmq fails closed where a domain is set.
 */
export async function zapHandler(
  binding: ZmqBinding,
  context: ZmqContext,
  allowed: ReadonlySet<string>,
  onNote: (message: string) => void,
): Promise<{ close(): void }> {
  const router = new binding.Router({ context, linger: 0 });
  await router.bind('inproc://zeromq.zap.01');
  answer(router, allowed).catch((error: unknown) => {
    if (!router.closed) onNote(`nobody is asked about any more, so nobody may come: ${String(error)}`);
  });
  return { close: () => router.close() };
}

async function answer(router: Router, allowed: ReadonlySet<string>): Promise<void> {
  for await (const [peer, empty, version, request, , , , mechanism, key] of router) {
    if (!peer || !empty || !version || !request) continue;
    const isKey = mechanism?.toString() === 'CURVE' && key?.length === 32;
    const isAllowed = isKey && allowed.has(z85Encode(key));
    const [code, reason] = isAllowed ? ['200', 'OK'] : ['400', 'not allowed'];
    // Who has not got an answer does not come in; the next one may.
    await router.send([peer, empty, version, request, code, reason, '', '']).catch(() => undefined);
  }
}
