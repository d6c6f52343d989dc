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
    appendFileSync(process.env.XFER_TEST_COUNTS, `${JSON.stringify(counts)}\n`);
  }
}

/** The test, and what it said: the first lines of the reason, and where in the project it was. */
function failure(module, name, errors) {
  const lines = (errors?.[0]?.stack ?? errors?.[0]?.message ?? 'no reason').split('\n');
  const ours = lines.filter((line) => !line.includes('node_modules') && !line.includes('node:internal'));
  return [`${module.relativeModuleId} > ${name}`, ...ours.slice(0, 12)].join('\n    ');
}
