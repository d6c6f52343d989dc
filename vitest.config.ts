import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const resolve = {
  alias: {
    'xfer/plugin': at('./src/plugin.ts'),
    'xfer/compliance': at('./src/compliance.ts'),
    '@xfer/mux': at('./plugins/mux/src/index.ts'),
    '@xfer/quic': at('./plugins/quic/src/index.ts'),
    '@xfer/rdma': at('./plugins/rdma/src/index.ts'),
    '@xfer/udp': at('./plugins/udp/src/index.ts'),
    '@xfer/zmq': at('./plugins/zmq/src/index.ts'),
  },
};

const common = {
  testTimeout: 20_000,
  hookTimeout: 20_000,
  pool: 'forks' as const,
  setupFiles: [at('./test/support/each-file.ts')],
  sequence: { setupFiles: 'list' as const },
  // What is built is imported as it is, as the program does.
  server: { deps: { external: [/\/dist\//] } },
};

/** Their tests share processes, in which what they import is loaded once. */
const shared = ['unit', 'wire', 'docs', 'sim'];

/**
 * But not these: what imports a module that they mock would have it as it is where an earlier test file has loaded it, and what
 * counts the timers of its process would count those of earlier files.
 */
const particular = shared.flatMap((folder) =>
  readdirSync(at(`./test/${folder}`), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${folder}/${name}`)
    .filter((path) => /vi\.(?:mock|getTimerCount)\(/.test(readFileSync(at(`./${path}`), 'utf8'))),
);

/** ink asks once, when it is loaded, whether it is in CI: here it must not be, whoever runs the tests. It listens for signals from then on. */
const alone = [...particular, 'test/unit/ui/bench-show.test.ts'];

export default defineConfig({
  test: {
    // Of all projects together. Of two cores, which many of the tests leave idle while they wait.
    maxWorkers: 3,
    // They begin in the order of their names: what takes longest and waits most is not left for the end.
    projects: [
      {
        resolve,
        test: {
          ...common,
          name: 'alone',
          include: [`test/!(${shared.join('|')})/**/*.test.ts`, ...alone],
        },
      },
      {
        resolve,
        test: {
          ...common,
          name: 'together',
          include: [`test/{${shared.join(',')}}/**/*.test.ts`],
          exclude: alone,
          isolate: false,
          setupFiles: [at('./test/support/leaves-nothing.ts'), ...common.setupFiles],
        },
      },
    ],
  },
});
