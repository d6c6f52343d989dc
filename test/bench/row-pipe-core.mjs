// What a pipe costs on its way through this process alone: feed → memory channel → drain, no session, no sockets. A million
// lines of 100 bytes, one a read (ns a line; at once or one a turn of microtasks is the same to it), and 4 GiB in reads of a
// mebibyte (GB/s; nobody fills the memory, so that this is the cost of moving it on). Lines too as messages: len32 in, decoded.
// Node alone is needed: `node test/bench/row-pipe-core.mjs`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { carry, PipeMeter } = await bundledCore();

const rounds = 5;
const lines = 1_000_000;
const line = new Uint8Array(100).fill(120, 0, 99).fill(10, 99);
const MiB = 1024 * 1024;
const large = 4096 * MiB;

/** Gives `piece` so many times, one a read; `piece` undefined: a full read of whatever is there, to `bytes` in all. */
function source({ piece, bytes }) {
  let rest = bytes;
  return {
    kind: 'bytes',
    async read(into) {
      const length = Math.min(piece?.length ?? into.length, rest);
      if (piece) into.set(piece);
      rest -= length;
      return length;
    },
    stop() {},
  };
}

const sink = (kind) => ({
  kind,
  taken: 0,
  async write(content) {
    this.taken += content.length;
    // As a real sink does: the loop turns between writes.
    await new Promise((resolve) => setImmediate(resolve));
  },
  async end() {},
  abort() {},
  onBroken() {},
});

/** From a source of this machine to a sink of it. */
const local = (from, to, framing) =>
  carry([{ kind: 'local', source: from }], [{ kind: 'local', sink: to }], {
    ...{ framing, windowBytes: 4 * MiB, signal: new AbortController().signal },
    ...{ meter: new PipeMeter(), onProgress() {} },
  });

const framed = new Uint8Array(104).fill(120);
framed.set([0, 0, 0, 100]);

const cases = {
  'lines, ns each': {
    run: () => local(source({ piece: line, bytes: 100 * lines }), sink('bytes'), 'bytes'),
    result: (ms) => (ms * 1e6) / lines,
  },
  'messages, ns each': {
    run: () => local(source({ piece: framed, bytes: 104 * lines }), sink('messages'), 'len32'),
    result: (ms) => (ms * 1e6) / lines,
  },
  'reads of 1 MiB, GB/s': {
    run: () => local(source({ bytes: large }), sink('bytes'), 'bytes'),
    result: (ms) => large / (ms * 1e6),
  },
  'the source alone, ns a line': {
    run: async () => {
      const { read } = source({ piece: line, bytes: 100 * lines });
      const into = new Uint8Array(MiB);
      while ((await read(into)) > 0);
    },
    result: (ms) => (ms * 1e6) / lines,
  },
};

const results = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round < rounds; round++)
  for (const [name, { run, result }] of Object.entries(cases)) {
    const begun = performance.now();
    await run();
    results[name].push(result(performance.now() - begun));
  }
for (const [name, values] of Object.entries(results)) {
  const [least, , median, , most] = values.sort((a, b) => a - b).map((value) => value.toFixed(1));
  console.log(`${name}: ${median} (${least} to ${most})`);
}

/** The core as one file: it is bundled for the package too. */
async function bundledCore() {
  const folder = mkdtempSync(join(tmpdir(), 'xfer-pipe-core-'));
  const outfile = join(folder, 'core.mjs');
  await build({
    stdin: {
      contents: `export { carry } from './carry.js'; export { PipeMeter } from './pipe-meter.js';`,
      resolveDir: fileURLToPath(new URL('../../src/app', import.meta.url)),
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  try {
    return await import(outfile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
