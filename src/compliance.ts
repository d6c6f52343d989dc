import { afterEach, beforeEach, describe } from 'vitest';
import { connectionTests } from './compliance/connection-tests.js';
import { flowTests } from './compliance/flow-tests.js';
import { memoryTests } from './compliance/memory-tests.js';
import { connectPair, type ComplianceSetup, type Pair } from './compliance/pair.js';
import { streamTests } from './compliance/stream-tests.js';

export { endpointCompliance } from './compliance/endpoint-compliance.js';
export {
  endpointOptions,
  type EndpointComplianceSetup,
  type EndpointPair,
  type EndpointTraits,
} from './compliance/endpoint-pair.js';
export type { ComplianceSetup } from './compliance/pair.js';

/** The pair of connections of the running test, and the setup that made it. */
export interface ComplianceContext {
  readonly pair: Pair;
  readonly setup: ComplianceSetup;
}

/**
 * The one suite that every transport passes: the contract of `transport/contract.ts` as tests. Only a `probe()` that
 * says no skips it, with its reason shown.
 */
export function transportCompliance(
  name: string,
  setup: () => ComplianceSetup | Promise<ComplianceSetup>,
): void {
  describe(`transport ${name}`, () => {
    let context: ComplianceContext | undefined;

    beforeEach(async (test) => {
      const made = await setup();
      const probe = await (await made.descriptor.load()).probe();
      if (!probe.ok) test.skip(`${probe.code}: ${probe.reason} (${probe.remedy})`);
      context = { pair: await connectPair(made), setup: made };
    });

    afterEach(async () => {
      await context?.pair.close();
      context = undefined;
    });

    const current = (): ComplianceContext => {
      if (!context) throw new Error('no connection');
      return context;
    };
    streamTests(current);
    flowTests(current);
    memoryTests(current);
    connectionTests(current);
  });
}
