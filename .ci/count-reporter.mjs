import { appendFileSync } from 'node:fs';

/** Writes a line a test file to XFER_TEST_COUNTS as soon as it has ended, so that a run which is cut off has counts, too. */
export default class CountReporter {
  onTestModuleEnd(module) {
    const counts = { passed: 0, failed: 0 };
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state in counts) counts[state]++;
    }
    // One that did not even load is a failure.
    if (module.state() === 'failed' && counts.failed === 0) counts.failed = 1;
    appendFileSync(process.env.XFER_TEST_COUNTS, `${JSON.stringify(counts)}\n`);
  }
}
