import { palette } from './palette.js';

const colours = ({ tones, ...uses }: (typeof palette)['light' | 'dark']): string =>
  [
    ...Object.entries(uses).map(([use, colour]) => `--${use}:${colour}`),
    ...tones.map((colour, at) => `--tone-${at + 1}:${colour}`),
  ].join(';');

const toneRules = palette.light.tones
  .map((_, at) => `.tone-${at + 1}{--tone:var(--tone-${at + 1})}`)
  .join('\n');

/** All of a page's style. Paper is light. */
export const style = `
:root{color-scheme:light dark;${colours(palette.light)}}
@media screen and (prefers-color-scheme:dark){:root{${colours(palette.dark)}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 16px 64px;max-width:1000px;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:28px;line-height:1.2;margin:0}
h2{font-size:20px;line-height:1.3;margin:40px 0 8px}
h3{font-size:16px;margin:28px 0 8px}
p,ul{margin:6px 0;max-width:72ch}
.lead,.note{color:var(--faint)}
.lead{max-width:none}
time{white-space:nowrap}
.note{font-size:13px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:8px 24px;margin:20px 0 0}
dt{font-size:12px;color:var(--faint)}
dd{margin:0}
.facts h2{font-size:16px}
pre{margin:0;padding:12px;background:var(--panel);border:1px solid var(--rule);border-radius:4px;font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap}
.verdict{margin:32px 0 0;padding:4px 20px 16px;background:var(--panel);border:1px solid var(--rule);border-left:4px solid var(--xfer);border-radius:4px}
.verdict h2{margin-top:12px}
.verdict h3{margin-top:16px}
.verdict li{white-space:pre-wrap}
.bottleneck{font-size:17px;font-weight:600}
.meter{display:block;width:100%;max-width:420px;margin:10px 0}
.limit{fill:none;stroke:var(--faint)}
figure{margin:12px 0 0}
figcaption{font-size:13px;color:var(--faint);margin-bottom:8px}
.defs{position:absolute}
.chart{display:block;overflow:visible;font:13px system-ui,sans-serif;font-variant-numeric:tabular-nums}
.bars{width:100%;max-width:760px}
.lines{width:calc(100% - 206px);margin:8px 146px 8px 60px}
.lines .label{font-size:12px}
.chart text{fill:var(--ink)}
.chart .tick,.meter .tick{fill:var(--faint);font-size:11px}
.meter .tick{font-size:13px}
.chart .group{font-size:12px;font-weight:600;fill:var(--faint)}
.chart .value{text-anchor:end;font-weight:600}
.chart .aside{fill:var(--faint);font-weight:400}
.chart .parts{font-size:12px;fill:var(--faint);white-space:pre}
.chart .parts tspan:not(.key){fill:var(--faint)}
.chart .key{fill:var(--tone)}
.grid{stroke:var(--rule)}
.xfer{fill:var(--xfer)}.baseline{fill:var(--baseline)}.peer{fill:var(--peer)}.reference{fill:var(--reference)}.ground{fill:var(--ground)}
.bar.plain{stroke-width:1.5}
.bar.plain.xfer{fill:url(#plain-xfer);stroke:var(--xfer)}
.bar.plain.baseline{fill:url(#plain-baseline);stroke:var(--baseline)}
.bar.plain.peer{fill:url(#plain-peer);stroke:var(--peer)}
.bar.plain.reference{fill:url(#plain-reference);stroke:var(--reference)}
.spread{stroke:var(--faint);stroke-width:1.5}
.dot{fill:var(--ground);stroke:var(--ink);stroke-width:1.25}
.median{stroke:var(--ink);stroke-width:2.5}
${toneRules}
.segment{fill:var(--tone);stroke:var(--ground);stroke-width:1.5}
.line{stroke:var(--tone);stroke-width:1.75}
.dash-1{stroke-dasharray:6 4}.dash-2{stroke-dasharray:2 4}.dash-3{stroke-dasharray:10 3 2 3}
.whisker{stroke:var(--tone);stroke-width:1;opacity:.6}
.mark{fill:var(--tone)}
.mark .cross{stroke:var(--tone);stroke-width:2}
.leader{stroke:var(--faint);stroke-width:.75}
.keys{display:flex;flex-wrap:wrap;gap:4px 20px;margin:8px 0 0;padding:0;list-style:none;font-size:13px;color:var(--faint);max-width:none}
.keys svg{width:28px;height:12px;margin-right:6px;vertical-align:-1px;overflow:visible}
details{margin-top:16px}
summary{cursor:pointer}
summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--xfer);outline-offset:2px}
.scroll{overflow-x:auto;margin:8px 0 0}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{padding:4px 16px 4px 0;text-align:right;vertical-align:top;border-bottom:1px solid var(--rule);white-space:nowrap}
th[scope=row],.text,.word,th:first-child{text-align:left}
td.text,th[scope=row]{font-weight:400}
td.text{white-space:normal;min-width:140px}
thead th{color:var(--faint);font-weight:600}
@media (max-width:560px){h1{font-size:24px}.lines{width:calc(100% - 178px);margin-left:52px;margin-right:126px}.lines .label{font-size:11px}.verdict{padding:4px 14px 12px}dl{grid-template-columns:1fr 1fr;gap:8px 16px}}
@media print{body{max-width:none;padding:0;font-size:11pt}figure,.verdict,.keys,pre,tr{break-inside:avoid}h2,h3,.keys,figcaption{break-after:avoid}.scroll{overflow:visible}table{font-size:7.5pt}th,td{padding-right:6pt;white-space:normal}*{print-color-adjust:exact}}
`;
