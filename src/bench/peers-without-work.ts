import { XferError } from '../errors/index.js';
import type { BenchSetup } from './contract.js';
import { findProgram } from './programs.js';
import type { BenchSkipped } from './report.js';
import type { PeerTool } from './peers/tool.js';
import { peerTools } from './peers/tools.js';
import type { BenchWork } from './work.js';

/** The works of a whole bench, and where they are done. */
export interface PeersCase extends Pick<BenchSetup, 'peers' | 'place'> {
  readonly works: readonly BenchWork[];
}

/** Whether a tool can do a work as it is, wherever its programs are. */
export function canDo(
  { patterns, isLocal }: PeerTool,
  { work, place }: Pick<BenchSetup, 'work' | 'place'>,
): boolean {
  const ways = patterns[work.pattern];
  if (isLocal && place.far.length > 0) return false;
  return ways !== undefined && (ways === 'both ways' || !work.isBothWays);
}

/**
 * Tools that were asked for, or are found, and can do none of the works: in no table, so they are named with the reason. One
 * that can do some of them is in the tables of those.
 */
export async function peersWithoutWork({ peers, place, works }: PeersCase): Promise<readonly BenchSkipped[]> {
  const unable = peerTools.filter((tool) => !works.some((work) => canDo(tool, { work, place })));
  const isMeant = async ({ name, needs }: PeerTool): Promise<boolean> => {
    if (peers !== 'found') return peers.includes(name);
    const [itself] = needs;
    if (!itself) return false;
    return findProgram(itself).then(
      () => true,
      () => false,
    );
  };
  const meant = await Promise.all(unable.map(isMeant));
  return unable
    .filter((_tool, at) => meant[at])
    .map((tool) => {
      const { code, message, remedy } = cannotDo(tool, { place, works });
      return { name: tool.name, code, reason: message, remedy };
    });
}

function cannotDo(
  { name, patterns, isLocal }: PeerTool,
  { works, place }: Pick<PeersCase, 'works' | 'place'>,
): XferError {
  if (isLocal && place.far.length > 0)
    return new XferError('ERR_XFER_USAGE', `${name} copies on one machine, not over a link`, {
      remedy: 'leave it out, or leave --link out',
    });
  // It could, one way.
  const isAlone = works.some(({ pattern }) => patterns[pattern] !== undefined);
  const asked = [...new Set(works.map(({ pattern }) => pattern))].join(', ');
  const able = Object.keys(patterns).join(', ');
  return new XferError('ERR_XFER_USAGE', `${name} cannot do ${asked}${isAlone ? ' both ways at once' : ''}`, {
    remedy: isAlone ? 'leave it out, or leave --bidir out' : `leave it out, or add --pattern ${able}`,
  });
}
