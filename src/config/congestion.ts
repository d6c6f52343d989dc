import { XferError } from '../errors/index.js';
import { parseRate } from './quantity.js';

/** The text, where it is `bbr`, `cubic`, `ledbat` or a rate such as `fixed:80mbit`. Throws ERR_XFER_USAGE. */
export function parseCongestion(text: string): string {
  if (controllers.includes(text)) return text;
  const [, rate] = /^fixed:(.*)$/.exec(text) ?? [];
  if (rate !== undefined && parseRate(rate) > 0) return text;
  throw new XferError('ERR_XFER_USAGE', `not a congestion controller: ${JSON.stringify(text)}`, {
    remedy: 'write bbr, cubic, ledbat or fixed:RATE such as fixed:80mbit',
  });
}

const controllers: readonly string[] = ['bbr', 'cubic', 'ledbat'];
