import { constants } from 'node:os';
import type { Done } from './fabric-addon.js';
import type { FabricFaults, FabricLoopOptions, FabricPeer } from './fabric-api.js';

/** What the addon is given in a row, of objects that say the same by names. */
export function optionArguments(options: FabricLoopOptions) {
  const { provider, host = '', smallBytes, smallCount, largeBytes, largeCount, largeLeadBytes = 0 } = options;
  const sizes = [smallBytes, smallCount, largeBytes, largeCount, largeLeadBytes] as const;
  return [provider, host, ...sizes, faultNumbers(options.faults ?? {})] as const;
}

export function peerArguments({ address, tag, smallCount, largeCount, smallBytes, largeBytes }: FabricPeer) {
  return [address, tag, smallCount, largeCount, smallBytes, largeBytes] as const;
}

/** A call with `done` as a promise; what it throws is a rejection. */
export function called<Value>(call: (done: Done<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

/** In the addon's order. */
function faultNumbers({ register, send, completion, receive }: FabricFaults): Float64Array {
  const numbers = [register, send, completion, receive].flatMap((fault) =>
    fault === undefined ? [0, 0] : [fault.at, errnoNumber(fault.error)],
  );
  return Float64Array.from(numbers);
}

function errnoNumber(name: string): number {
  const number = (constants.errno as Readonly<Record<string, number>>)[name];
  if (number === undefined) throw new RangeError(`${name} must be the name of an errno`);
  return number;
}
