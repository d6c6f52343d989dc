import { benchDefaults, sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { maxHops } from '../relay/route.js';
import type { BenchOptions } from './engine.js';
import type { BenchWork } from './work.js';

/** Throws ERR_XFER_USAGE for numbers past a limit, and for what contradicts itself. */
export function checkCombination(options: BenchOptions, works: readonly BenchWork[]): void {
  const { target, hops = 0, lanes, recordBytes, peers = [], isSealed = true } = options;
  within('--lanes', lanes, 1, sessionDefaults.maxLanes);
  within('--hops', hops, 0, maxHops);
  within('--record', recordBytes, benchDefaults.minRecordBytes, sessionDefaults.recordBytes);
  const patterns = works.map(({ pattern }) => pattern);
  const sealed = patterns.filter(
    (pattern) => pattern === 'file' || pattern === 'pipe' || pattern === 'small-files',
  );
  if (target !== undefined) {
    const here = 'leave out the target: then both ends run on this machine';
    if (hops > 0) throw usage('relays are started on this machine, not on the way to a target', here);
    if (options.link) throw usage('a link is between two ends on this machine', here);
    if (peers.length > 0) throw usage('other tools are run with both ends on this machine', here);
    if (options.baselineProgram !== undefined)
      throw usage('another build is compared with both ends on this machine', here);
    const back = works.find(
      ({ pattern, isBothWays }) => isBothWays && pattern !== 'memory' && pattern !== 'pipe',
    );
    if (back)
      throw usage(
        `${back.pattern} goes one way to a target: nobody may be able to dial this machine`,
        'measure both ways by --pattern pipe or memory',
      );
  }
  const inside = patterns.find((pattern) => !sealed.some((one) => one === pattern));
  if (options.baselineProgram !== undefined && inside !== undefined)
    throw usage(
      `another build is not compared by ${inside}, which runs inside of this one`,
      'take --pattern file, pipe or small-files, or a report as the baseline',
    );
  if (sealed.length > 0) return;
  const remedy = 'add --pattern file, pipe or small-files';
  if (!isSealed) throw usage(`nothing is sealed in ${listed(patterns)}`, remedy);
  if (recordBytes !== undefined) throw usage(`there are no records in ${listed(patterns)}`, remedy);
}

function listed(patterns: readonly string[]): string {
  return [...new Set(patterns)].join(', ');
}

function within(flag: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw usage(`${flag} must be from ${least} to ${most}, not ${value}`, 'see xfer bench --help');
}

function usage(message: string, remedy: string): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy });
}
