import { XferError } from 'xfer/plugin';
import { BlockList, isIP } from 'node:net';

/**
 * The HTTP proxy that the environment names for a host: HTTPS_PROXY for wss, HTTP_PROXY for ws, the lower-case name
 * before the upper-case one, none for what NO_PROXY lists. As curl does, it leaves out nothing else, loopback neither.
 */
export function httpProxyFor(
  scheme: string,
  host: string,
  environment: Readonly<Record<string, string | undefined>>,
): URL | undefined {
  const name = scheme === 'wss' ? 'https_proxy' : 'http_proxy';
  const text = valueOf(environment, name);
  if (text === '' || isLeftOut(host, valueOf(environment, 'no_proxy'))) return undefined;
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url)) {
    const proxy = new URL(url);
    if (['http:', 'https:'].includes(proxy.protocol) && proxy.hostname !== '') return proxy;
  }
  // Not the value: it may hold a password.
  throw new XferError('ERR_XFER_USAGE', `${name.toUpperCase()} is not the URL of an HTTP proxy`, {
    remedy: 'set it to http://HOST:PORT, or unset it',
  });
}

const valueOf = (environment: Readonly<Record<string, string | undefined>>, name: string): string =>
  (environment[name] ?? environment[name.toUpperCase()] ?? '').trim();

/** Entries are names, which stand for what is below them too, addresses, networks (`10.0.0.0/8`), or `*`. */
function isLeftOut(host: string, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  const isAddress = isIP(name) !== 0;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .map((entry) => entry.replace(/^\[(.*)\]$/, '$1').replace(/^\.|\.$/g, ''))
    .some((entry) => {
      if (entry === '*' || entry === name) return true;
      if (isAddress) return isWithin(name, entry);
      return entry !== '' && name.endsWith(`.${entry}`);
    });
}

function isWithin(address: string, entry: string): boolean {
  const [network = '', bits] = entry.split('/');
  const family = isIP(network);
  const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
  if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}
