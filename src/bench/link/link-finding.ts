import type { Finding } from '../../app/finding.js';
import { linkLack } from './lack.js';

/** For the doctor. That a machine has none is no fault. */
export function linkFinding(): Finding {
  const subject = 'links';
  const lack = linkLack();
  return lack
    ? { subject, state: 'none', detail: lack.message, remedy: lack.remedy }
    : { subject, state: 'ok', detail: 'emulated ones, for xfer bench --link' };
}
