// Prints what failed, then "N passed, N failed", from what count-reporter.mjs has written.
import { existsSync, readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
let passed = 0;
let failed = 0;
for (const line of lines) {
  const counts = JSON.parse(line);
  passed += counts.passed;
  failed += counts.failed;
  for (const failure of counts.failures) console.log(`failed: ${failure}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
