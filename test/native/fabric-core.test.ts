import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * The endpoint of a fabric by itself, without threads and without Node: programs in C++ that fork, built here. What is in `native/` of
 * the names below belongs to them; the addon's own files are tested elsewhere.
 */
const run = promisify(execFile);
const native = fileURLToPath(new URL('../../native/', import.meta.url));
const programs = fileURLToPath(new URL('fabric/', import.meta.url));
const units = [
  'endpoint',
  'error',
  'info',
  'loops',
  'memory',
  'receiver',
  'resources',
  'sender',
  'shm',
  'signals',
];
const scenarios = ['order', 'slow', 'opens', 'killed', 'faults', 'garbage', 'signals'];
const providers = ['tcp;ofi_rxm', 'shm'];
/** A process that is killed may hold a spin lock of shm for ever. These programs have one thread; see fabric-process.test.ts. */
const leavesLocks = (provider: string, scenario: string): boolean =>
  provider === 'shm' && scenario === 'killed';
const flags = ['-std=c++17', '-O1', '-g', '-Wall', '-Wextra', '-Werror'];
const buildTimeoutMs = 300_000;
const scenarioTimeoutMs = 150_000;

const lacks = missing();
if (lacks !== '') process.stderr.write(`NOT TESTED: the endpoint of a fabric in C++: ${lacks}\n`);

function missing(): string {
  const probe = spawnSync('g++', ['-x', 'c++', '-', '-fsyntax-only'], {
    input: '#include <rdma/fi_tagged.h>\n',
  });
  if (probe.error !== undefined) return 'there is no g++';
  return probe.status === 0 ? '' : 'there are no headers of libfabric (libfabric-dev)';
}

function offers(provider: string): boolean {
  return lacks === '' && spawnSync('fi_info', ['-p', provider, '-t', 'FI_EP_RDM']).status === 0;
}

describe.skipIf(lacks !== '')('the endpoint of a fabric in C++', () => {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-fabric-core-'));
  const built = (name: string): string => join(directory, name);

  beforeAll(async () => {
    const core = built('core.o');
    // In one translation unit, as in the addon.
    const unit = join(directory, 'core.cc');
    writeFileSync(unit, units.map((name) => `#include "${join(native, `fabric-${name}.cc`)}"\n`).join(''));
    await run('g++', [...flags, '-c', unit, '-o', core]);
    const names = readdirSync(programs).filter((name) => name.endsWith('.cc'));
    for (const name of names)
      await run('g++', [...flags, '-c', join(programs, name), '-o', built(`${name}.o`)]);
    const of = (name: string): string => built(`${name}.cc.o`);
    await run('g++', [...[...scenarios, 'main'].map(of), core, '-lfabric', '-o', built('fabric-core')]);
    await run('g++', [of('loops'), core, '-lfabric', '-o', built('loops')]);
    await run('g++', [of('credit-sim'), '-o', built('credit-sim')]);
  }, buildTimeoutMs);
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('never has more credit under way than buffers, and never waits for ever', async () => {
    const { stdout } = await run(built('credit-sim'), ['1', '20000'], { timeout: scenarioTimeoutMs });
    const seen = JSON.parse(stdout) as { runs: number; creditMessages: number; mostCreditUnderWay: number };
    expect(seen.runs).toBe(20_000);
    expect(seen.creditMessages).toBeGreaterThan(100_000);
    // Close to the bound of the proof: the simulation finds what it is about.
    expect(seen.mostCreditUnderWay).toBeGreaterThanOrEqual(4);
  });

  for (const provider of providers) {
    describe.skipIf(!offers(provider))(provider, () => {
      for (const scenario of scenarios.filter((name) => !leavesLocks(provider, name))) {
        it(
          scenario,
          async () => {
            const { stdout } = await run(built('fabric-core'), [scenario, provider], {
              timeout: scenarioTimeoutMs,
            });
            expect(stdout).toContain('{"');
          },
          scenarioTimeoutMs,
        );
      }

      for (const [loop, bytes] of [
        ['ping', '64'],
        ['ping', '1048576'],
        ['one-way', '64'],
        ['one-way', '1048576'],
      ] as const) {
        it(
          `${loop} of ${bytes} bytes`,
          async () => {
            const { stdout } = await run(built('loops'), [provider, loop, bytes, '50', '10'], {
              timeout: scenarioTimeoutMs,
            });
            const seen = JSON.parse(stdout) as { microseconds: number; MBps: number };
            expect(seen.microseconds).toBeGreaterThan(0);
            expect(seen.MBps).toBeCloseTo(Number(bytes) / seen.microseconds, -3);
          },
          scenarioTimeoutMs,
        );
      }
    });
  }
});
