#!/usr/bin/env node
import { Duplex } from 'node:stream';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

/** V8's own, in Node 20. */
const usualBudget = '--interrupt-budget=135168';
const firstSecondsMs = 1500;

// The code beside this file is compiled: without this, NODE_ENV=development makes oclif look for TypeScript.
globalThis.oclif = { ...globalThis.oclif, enableAutoTranspile: false };

// Node makes its streams for stdin and stdout when somebody first looks at them, and that sets O_NONBLOCK on what other
// programs may share. Where they carry content nobody is to look but who reads and writes it: libraries that only ask
// whether it is a terminal get an answer without that.
const stdio = { stdin: 0, stdout: 1 };
const made = {};
const isContent = process.argv[2] === 'pipe' || process.argv.some((word) => /^(?:--output=)?-$/.test(word));
for (const [name, fd] of Object.entries(stdio)) {
  const { get } = Object.getOwnPropertyDescriptor(process, name);
  const make = () => (made[name] ??= unlessGone(get.call(process)));
  const stream = isContent && !isatty(fd) ? notBefore(make, () => name in made) : undefined;
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream ?? make() });
}
unlessGone(process.stderr);
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  const { run } = await import('../dist/program.js');
  // Behind the import: compiled code that was kept is taken only under the flags that it was made with.
  setFlags();
  await run(process.argv.slice(2), fileURLToPath(import.meta.url));
  leave(process.exitCode ?? 0);
} catch (error) {
  fail(error);
}

/** V8's, by what is to run; none where compiled code is kept, which is good for no other flags. */
function setFlags() {
  if (Symbol.for('xfer/keep-code') in globalThis) return;
  // Code is optimised when it has run for long, not within the first seconds: most transfers are over before the
  // compiler's work would pay, and a core is what they are short of (measured: a tenth of a transfer's processor time, and
  // with 4 GiB a twentieth the other way). Later versions have other names for it, and a compiler in between. A relay and a
  // pipe run for long.
  if (!['relay', 'pipe'].includes(process.argv[2]) && process.versions.node.startsWith('20.')) {
    setFlagsFromString('--interrupt-budget=1000000');
    setTimeout(() => setFlagsFromString(usualBudget), firstSecondsMs).unref();
  }
  // What a relay forwards is garbage at once: the more room there is for it, the later its memory is given back.
  if (process.argv[2] === 'relay') setFlagsFromString('--semi-space-growth-factor=1');
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

/** Ends the process once stderr, and stdout where Node's stream was used, have taken what was written; a second at most for stderr. */
function leave(status) {
  const exit = () => process.exit(status);
  if (made.stdout !== undefined) made.stdout.write('', exit);
  else {
    // Of content nothing is waited for here; events of --json are still together, to be written in one go.
    process.stderr.write('', exit);
    setTimeout(exit, 1000).unref();
  }
}

/** A stream that is no terminal, made when anything else is asked of it than what it can do. */
function notBefore(make, isMade) {
  const waiting = [];
  const stream = () => {
    const one = make();
    for (const heard of waiting.splice(0)) one.on(...heard);
    return one;
  };
  return new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === 'isTTY' || name === 'then') return undefined;
        // What is to be heard of it can wait: oclif listens for errors, as we do.
        if (name === 'on' && !isMade()) return (...heard) => void waiting.push(heard);
        if (typeof Duplex.prototype[name] === 'function') return (...values) => stream()[name](...values);
        const value = Reflect.get(stream(), name);
        return typeof value === 'function' ? value.bind(stream()) : value;
      },
      set: (_, name, value) => Reflect.set(stream(), name, value),
      has: (_, name) => Reflect.has(stream(), name),
      getPrototypeOf: () => Reflect.getPrototypeOf(stream()),
    },
  );
}

/** A reader that goes away (`xfer --help | head -1`) is no error of ours. */
function unlessGone(stream) {
  return stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
