// usage: node test/bench/slowed-build.mjs FACTOR DIRECTORY
//
// Makes a copy of the built package in DIRECTORY, which must not be there yet, whose transfers (xfer send, recv and pipe) take
// FACTOR times as long, 1 to 10: 1.2 is what `xfer bench --baseline` must catch, 1.03 what it must not.
//
//   npm run build
//   node bin/run.js bench --transport tcp --pattern file --repeat 9 --json > baseline.json
//   node test/bench/slowed-build.mjs 1.2 /tmp/slowed
//   node /tmp/slowed/bin/run.js bench --transport tcp --pattern file --repeat 9 --baseline baseline.json
//
// No hot path is changed: a wait in one place is made up for in others, by the other end or by threads of the pool, for as
// long as buffers between them last. Instead the whole process stands still for (FACTOR − 1) / FACTOR of every 20 ms, and both
// ends at the same time (stalls.cc). What the system does meanwhile still goes on: it empties its socket buffers into nothing
// that reads them. What is before bin/run.js begins, the start of Node, is not slowed. `xfer bench` itself is not, nor its
// reference, nor bare transports between it and xfer bench --serve. Needs Linux and g++. To remove it: rm -r DIRECTORY.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [word, directory] = process.argv.slice(2);
const factor = Number(word);
if (!(factor >= 1 && factor <= 10) || directory === undefined) {
  process.stderr.write('usage: node test/bench/slowed-build.mjs FACTOR DIRECTORY\n');
  process.exit(2);
}
const copy = resolve(directory);
mkdirSync(copy);
for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'native'), join(copy, 'native'));

// A link's own place counts for what is imported from there: so plugins are copied, and find this core by a link of their own.
mkdirSync(join(copy, 'node_modules', '@xfer'), { recursive: true });
mkdirSync(join(copy, 'plugins', 'node_modules'), { recursive: true });
symlinkSync(copy, join(copy, 'plugins', 'node_modules', 'xfer'));
for (const plugin of readdirSync(join(root, 'plugins'))) {
  if (plugin === 'node_modules') continue;
  for (const name of ['dist', 'package.json'])
    cpSync(join(root, 'plugins', plugin, name), join(copy, 'plugins', plugin, name), { recursive: true });
  symlinkSync(join(copy, 'plugins', plugin), join(copy, 'node_modules', '@xfer', plugin));
}
for (const name of readdirSync(join(root, 'node_modules')))
  if (name !== '@xfer') symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));

execFileSync('g++', ['-O2', '-std=c++17', '-o', join(copy, 'stalls'), join(root, 'test/bench/stalls.cc')], {
  stdio: 'inherit',
});
renameSync(join(copy, 'bin', 'run.js'), join(copy, 'bin', 'unslowed.js'));
writeFileSync(
  join(copy, 'bin', 'run.js'),
  `#!/usr/bin/env node
if (['send', 'recv', 'pipe'].includes(process.argv[2])) {
  const { spawn } = await import('node:child_process');
  // In a group of its own, so that what interrupts this process does not end it first.
  const options = { stdio: 'ignore', detached: true };
  spawn(${JSON.stringify(join(copy, 'stalls'))}, ['${(factor - 1) / factor}'], options).unref();
}
await import('./unslowed.js');
`,
  { mode: 0o755 },
);
process.stdout.write(`${join(copy, 'bin', 'run.js')}\n`);
