import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asXferError, XferError } from '../errors/index.js';
import { ChildKeeper } from './child-keeper.js';
import type { BenchSetup, Contestant } from './contract.js';
import { canDo } from './peers-without-work.js';
import type { BenchSkipped } from './report.js';
import { findProgram, type FoundProgram } from './programs.js';
import type { PeerTool } from './peers/tool.js';
import { peerTools } from './peers/tools.js';

/** What `--peers` takes, besides `found`. */
export const peerNames: readonly string[] = peerTools.map(({ name }) => name);

/**
 * Other tools that do the same work: those that were asked for, or all that are found. Who is missing, or is something else
 * of the same name, is skipped by its name. Who cannot do this work is left out without a word: whoever can do none is told of
 * once, see `peersWithoutWork`.
 */
export async function* otherTools(setup: BenchSetup): AsyncGenerator<Contestant | BenchSkipped> {
  if (setup.target !== undefined) return;
  const names = setup.peers === 'found' ? peerNames : [...new Set(setup.peers)];
  const asked = names.map((name) => ({ name, tool: peerTools.find((one) => one.name === name) }));
  const able = asked.filter(({ tool }) => !tool || canDo(tool, setup));
  // All at once: one that does not answer takes its time only once.
  const ready = able.map(({ name, tool }) => ({ name, tool, programs: programsOf(tool) }));
  for (const { programs } of ready) programs.catch(() => undefined);
  for (const { name, tool, programs } of ready)
    try {
      if (!tool) throw unknownTool(name);
      const found = await programs;
      setup.signal.throwIfAborted();
      yield await contestant(tool, setup, found);
    } catch (thrown) {
      setup.signal.throwIfAborted();
      const { code, message, remedy } = asXferError(thrown);
      yield { name, code, reason: message.startsWith(name) ? message : `${name}: ${message}`, remedy };
    }
}

type Found = Awaited<ReturnType<typeof programsOf>>;

async function programsOf(tool: PeerTool | undefined) {
  if (!tool) return new Map<string, FoundProgram>();
  const asked = await Promise.allSettled(tool.needs.map((needed) => findProgram(needed)));
  const found = new Map<string, FoundProgram>();
  // Of several that are missing the first is told: it is the tool itself.
  for (const [at, one] of asked.entries()) {
    if (one.status === 'rejected') throw asXferError(one.reason);
    found.set(tool.needs[at]?.name ?? '', one.value);
  }
  return found;
}

async function contestant(tool: PeerTool, setup: BenchSetup, programs: Found): Promise<Contestant> {
  const parent = join(setup.directory, 'peers');
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(join(parent, `${tool.name}-`));
  const keeper = await ChildKeeper.open(directory, setup.signal);
  const leave = async (): Promise<void> => {
    await keeper.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const runs = await tool.open({ setup, keeper, directory, programs });
    return {
      name: tool.name,
      kind: 'peer',
      isSealed: tool.isSealed,
      how: setup.hops > 0 ? `${runs.how}, without relays` : runs.how,
      run: async (onProgress) => {
        try {
          return await runs.run(onProgress);
        } catch (error) {
          // What ends because the bench does has not failed.
          setup.signal.throwIfAborted();
          throw error;
        }
      },
      close: async () => {
        await leave();
      },
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

function unknownTool(name: string): XferError {
  return new XferError('ERR_XFER_USAGE', `${name} is no tool that xfer is compared with`, {
    remedy: `--peers takes found, or some of ${peerNames.join(', ')}`,
  });
}
