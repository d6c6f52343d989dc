import { XferError } from '../errors/index.js';
import { parseRate } from './quantity.js';

/** `bbr`, `cubic`, `ledbat`, or `fixed:80mbit`, whose rate is given back in bytes a second: `fixed:10000000`. Throws ERR_XFER_USAGE. */
export function parseCongestion(text: string): string {
  if (controllers.includes(text)) return text;
  const [, rate] = /^fixed:(.*)$/.exec(text) ?? [];
  const bytes = rate === undefined ? 0 : parseRate(rate);
  if (bytes > 0) return `fixed:${bytes}`;
  throw new XferError('ERR_XFER_USAGE', `not a congestion controller: ${JSON.stringify(text)}`, {
    remedy: 'write bbr, cubic, ledbat or fixed:RATE such as fixed:80mbit',
  });
}

const controllers: readonly string[] = ['bbr', 'cubic', 'ledbat'];
