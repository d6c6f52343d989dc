#!/usr/bin/env node
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// Code is optimised when it has run for long, not within the first seconds: most transfers are over before the
// compiler's work would pay, and a core is what they are short of (measured: a tenth of a transfer's processor time).
// Later versions have other names for it, and a compiler in between.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=1000000');
// What a relay forwards is garbage at once: the more room there is for it, the later its memory is given back.
if (process.argv[2] === 'relay') setFlagsFromString('--semi-space-growth-factor=1');

// The code beside this file is compiled: without this, NODE_ENV=development makes oclif look for TypeScript.
globalThis.oclif = { ...globalThis.oclif, enableAutoTranspile: false };

// A reader that goes away (`xfer --help | head -1`) is no error of ours.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  // Not all of @oclif/core: what a command needs beyond this it imports itself.
  const { run } = await import('@oclif/core/run');
  await run(process.argv.slice(2), fileURLToPath(import.meta.url));
  leave(process.exitCode ?? 0);
} catch (error) {
  fail(error);
}

/** For what no command has reported: one line, and the exit status that oclif gives a wrong use. */
function fail(error) {
  const exit = error?.oclif?.exit;
  if (error?.code !== 'EEXIT') {
    const [line] = String(error?.message ?? error).split('\n');
    const shown = line.replace(/\p{C}/gu, '?');
    process.stderr.write(`xfer: ${exit === undefined ? 'internal error: ' : ''}${shown}\n`);
    if (process.env['XFER_DEBUG'] === '1') process.stderr.write(`${error?.stack}\n`);
  }
  leave(exit ?? 1);
}

/** Ends the process once stdout has taken what was written to it. */
function leave(status) {
  process.stdout.write('', () => process.exit(status));
}
