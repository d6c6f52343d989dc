import { XferError, type Address, type DialLimit } from 'xfer/plugin';
import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/** TLS on a connected socket, to whoever has a certificate for `to.host`. */
export function secured(
  socket: Socket,
  to: Address,
  limit: DialLimit,
  ca: string | Buffer | undefined,
): Promise<TLSSocket> {
  const host = hostOf(to);
  const name = `${to.host}:${to.port}`;
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
    });
    const stopped = (): void => void secure.destroy(limit.signal.reason as Error);
    limit.signal.addEventListener('abort', stopped, { once: true });
    secure.once('secureConnect', () => {
      limit.signal.removeEventListener('abort', stopped);
      resolve(secure);
    });
    // It stays: a socket that breaks before anybody else listens harms nobody.
    secure.on('error', (error: Error) => {
      limit.signal.removeEventListener('abort', stopped);
      reject(limit.errorOf(limit.signal.aborted ? error : tlsError(secure, error, name)));
    });
    if (limit.signal.aborted) stopped();
  });
}

/** The host without the interface (`fe80::1%eth0`), which is nobody else's business. */
export function hostOf({ host }: Address): string {
  const [address = ''] = host.split('%');
  return isIP(address) === 0 ? host : address;
}

function tlsError(secure: TLSSocket, error: Error, name: string): Error {
  // Set once the handshake itself has succeeded, whatever is wrong with the certificate.
  const untrusted = secure.authorizationError as Error | string | undefined;
  if (untrusted) return new XferError('ERR_XFER_CERTIFICATE', `${name}: ${error.message}`, { cause: error });
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!code.startsWith('ERR_SSL') && code !== 'EPROTO') return error;
  return new XferError('ERR_XFER_PROTOCOL', `${name}: no TLS with what listens there (${code})`, {
    cause: error,
    remedy: 'check the port, and dial ws:// where there is no TLS',
  });
}
