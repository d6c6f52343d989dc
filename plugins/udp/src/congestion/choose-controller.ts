import { parseRate, XferError } from 'xfer/plugin';
import { Bbr } from './bbr.js';
import type { ControllerFactory } from './controller.js';
import { Cubic } from './cubic.js';
import { FixedRate } from './fixed-rate.js';
import { Ledbat } from './ledbat.js';

/** Makes controllers as `--cc` says: `bbr`, `cubic`, `ledbat` or `fixed:RATE`. Throws ERR_XFER_USAGE for anything else. */
export function controllerFactory(text = 'bbr'): ControllerFactory {
  if (text === 'bbr') return (options) => new Bbr(options);
  if (text === 'cubic') return (options) => new Cubic(options);
  if (text === 'ledbat') return (options) => new Ledbat(options);
  const rate = text.startsWith(fixedPrefix) ? parseRate(text.slice(fixedPrefix.length)) : 0;
  if (rate > 0) return (options) => new FixedRate(rate, options);
  throw new XferError('ERR_XFER_USAGE', `not a congestion controller: ${JSON.stringify(text)}`, {
    remedy: 'write bbr, cubic, ledbat or fixed:RATE (for example fixed:80mbit)',
  });
}

const fixedPrefix = 'fixed:';
