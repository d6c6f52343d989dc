import type { BenchVerdict } from '../report.js';
import { markup, nothing, type Markup } from './markup.js';

/** What the figures mean, before any figure. */
export function verdictSection({ bottleneck, share, findings, advice }: BenchVerdict): Markup {
  return markup`<section class="verdict" aria-labelledby="verdict"><h2 id="verdict">Verdict</h2><p class="bottleneck">${held[bottleneck]}</p>${share === undefined ? nothing : meter(share)}${findings.map((finding) => markup`<p>${finding}</p>`)}${
    advice.length === 0
      ? nothing
      : markup`<h3>What to try</h3><ul>${advice.map((one) => markup`<li>${one}</li>`)}</ul>`
  }</section>`;
}

function meter(share: number): Markup {
  const shown = Math.round(100 * share);
  const width = `${Math.min(100, Math.max(0, shown))}%`;
  return markup`<svg class="meter" role="img" aria-labelledby="share" height="34"><title id="share">${shown} % of what the machine or link could carry</title><rect class="limit" x="0" y="0" width="100%" height="12" /><rect class="bar xfer" x="0" y="0" width="${width}" height="12" /><text class="tick" x="0" y="28">${shown} % of what the machine or link could carry</text></svg>`;
}

const held: Readonly<Record<BenchVerdict['bottleneck'], string>> = {
  processor: 'The processor holds it back.',
  network: 'The network holds it back.',
  disk: 'The disk holds it back.',
  window: 'A window that is too small holds it back.',
  loss: 'Loss on the way holds it back.',
  latency: 'The length of the way holds it back.',
  unknown: 'What holds it back is not known.',
};
