import { appendFileSync } from 'node:fs';

/** Writes a line a test file to XFER_TEST_COUNTS as soon as it has ended, so that a run which is cut off has counts, too. */
export default class CountReporter {
  onTestModuleEnd(module) {
    const counts = { passed: 0, failed: 0, failures: [] };
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state in counts) counts[state]++;
      if (state === 'failed') counts.failures.push(failure(module, test.fullName, errors));
    }
    // One that did not even load is a failure.
    if (module.state() === 'failed' && counts.failed === 0) {
      counts.failed = 1;
      counts.failures.push(failure(module, 'did not load', module.errors()));
    }
    write(counts);
  }

  /** What went wrong outside of any test fails the run as well: an error that nobody caught, a worker that died or did not end. */
  onTestRunEnd(modules, unhandledErrors) {
    const unended = modules
      .filter((module) => ['queued', 'pending'].includes(module.state()))
      .map((module) => module.relativeModuleId);
    const failures = unhandledErrors.map((error) => {
      const during =
        [error.VITEST_TEST_PATH, error.VITEST_TEST_NAME].filter(Boolean).join(' > ') || unended.join(', ');
      return `outside of any test${during && `, during ${during}`}\n    ${reason([error])}`;
    });
    if (failures.length > 0) write({ passed: 0, failed: failures.length, failures });
  }
}

function write(counts) {
  appendFileSync(process.env.XFER_TEST_COUNTS, `${JSON.stringify(counts)}\n`);
}

/** The test, and what it said. */
function failure(module, name, errors) {
  return `${module.relativeModuleId} > ${name}\n    ${reason(errors)}`;
}

/** What was said, where in the project it was, and the same of what caused it: of a property its failed expectation. */
function reason(errors) {
  const [error] = errors ?? [];
  const said = firstLines(error);
  return error?.cause ? `${said}\n    because: ${firstLines(error.cause)}` : said;
}

function firstLines(error) {
  const lines = (error?.stack ?? error?.message ?? 'no reason').split('\n');
  const ours = lines.filter((line) => !line.includes('node_modules') && !line.includes('node:internal'));
  return ours.slice(0, 12).join('\n    ');
}
