// Prints "N passed, N failed" from vitest's JSON report; a file that did not even load is one failure.
import { readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
let passed = 0;
let failed = 0;
try {
  for (const { status, assertionResults } of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    if (status === 'failed' && assertionResults.length === 0) failed++;
    for (const test of assertionResults) {
      if (test.status === 'passed') passed++;
      if (test.status === 'failed') failed++;
    }
  }
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
