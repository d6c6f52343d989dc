import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      'xfer/plugin': at('./src/plugin.ts'),
      'xfer/compliance': at('./src/compliance.ts'),
      '@xfer/mux': at('./plugins/mux/src/index.ts'),
      '@xfer/quic': at('./plugins/quic/src/index.ts'),
      '@xfer/rdma': at('./plugins/rdma/src/index.ts'),
      '@xfer/udp': at('./plugins/udp/src/index.ts'),
      '@xfer/zmq': at('./plugins/zmq/src/index.ts'),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
    // What is built is imported as it is, as the program does.
    server: { deps: { external: [/\/dist\//] } },
    // Of two cores, which many of the tests leave idle while they wait.
    maxWorkers: 3,
  },
});
