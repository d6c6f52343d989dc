import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { labMissing, openLab } from '../support/net-lab.mjs';
import { makeIdentities, schemeMissing } from './link-runs.mjs';
import { warmMemory } from './memory-files.mjs';
import { compare, finish, line } from './processes.mjs';
import { eventOf, receiver, sending } from './xfer.mjs';

export { labMissing, makeIdentities, schemeMissing };

const code = '7-benchmark-of-ways';

/**
 * One transfer between two machines of a lab of its own, by one transport or, without a `scheme`, by whichever xfer takes:
 * `{ seconds, inside, transport }` of the whole command, from `connected` on, and as `done` names it; or `{ late: true }`.
 */
export async function measureInLab(context, { source, link, scheme, limitSeconds, seed }) {
  const directory = mkdtempSync(join(context.directory, 'lab-'));
  const { wire } = link;
  warmMemory(directory, link.bytes);
  const lab = await openLab(wire === 'veth' ? { wire } : { ...wire, seed });
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    void lab.close();
  }, limitSeconds * 1000);
  try {
    if (link.blocks) await lab.block(...link.blocks);
    if (link.throttled) await lab.throttle(link.throttled);
    return await transferBetween(context, { lab, directory, source, scheme, changes: link.changes });
  } catch (error) {
    if (!late) throw error;
    return { late };
  } finally {
    clearTimeout(limit);
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The receiver listens as it does without being told, whoever comes. */
async function transferBetween(context, { lab, directory, source, scheme, changes }) {
  const limitMs = 300_000;
  const { run } = await receiver(context, {
    ...{ directory, code, limitMs, listen: null, flags: ['--once'], end: lab.server },
  });
  const { address } = lab.server;
  const url = scheme === undefined ? address : `${scheme}://${address}`;
  const send = sending(context, { path: source.path, url, code, limitMs, end: lab.client });
  const changing = changes && changeLater(send, lab, changes);
  const { seconds } = await finish(send, 'xfer send');
  await changing;
  await finish(run, 'xfer recv');
  await compare(source.path, join(directory, source.name));
  const { seconds: inside, transport } = await line(send, eventOf('done'));
  return { seconds, inside, transport };
}

/** Throws where the transfer was over by then: a link that has not changed is another link. */
async function changeLater(send, lab, { afterMs, to }) {
  await line(send, eventOf('connected'));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  if (send.over) throw new Error('the transfer was over before the link changed');
  await lab.change(to);
}
