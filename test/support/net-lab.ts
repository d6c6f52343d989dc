import { afterFile } from './after-file.js';
import { labMissing, openLab, type LabOptions, type NetLab } from './net-lab.mjs';

export type { Block, NetLab } from './net-lab.mjs';

/** Why there is no net lab here, for the name of what is skipped; undefined where there is one. */
export const whyNoLab = labMissing();

const open = new Set<NetLab>();

afterFile(async () => {
  const all = [...open];
  open.clear();
  await Promise.all(all.map((lab) => lab.close()));
});

/** A lab that is closed when the test file has ended, at the latest. */
export async function netLab(options: LabOptions = {}): Promise<NetLab> {
  const lab = await openLab(options);
  open.add(lab);
  return lab;
}
