const rows = (names, ...flags) => ['test/bench/run.mjs', '--only', names, ...flags, '--json'];
const bench = (...flags) => ['bin/run.js', 'bench', ...flags, '--json'];

/** What `docs/results/NAME.json` are, each with the one command that measures it. */
export const results = {
  transfer: {
    what: 'one file, small files, a sparse one; whole commands, memory, processor time',
    run: rows('transfer,lane,cpu,memory,small-file,small-files,sparse'),
  },
  large: { what: '4 GiB, and a transfer that is resumed', run: rows('transfer-4g,resume', '--runs', '3') },
  'many-files': { what: 'a million files', run: rows('many-files') },
  pipes: { what: 'pipes, and ZeroMQ at their ends', run: rows('pipe,pipe-latency,pipe-lines,zmq') },
  'pipe-faults': {
    what: 'a pipe that is cut, and a target that is stopped',
    run: rows('pipe-slow,pipe-cuts'),
  },
  pool: { what: 'many sends over one session', run: rows('pool') },
  relays: {
    what: 'relays, their memory, their limits',
    run: rows(
      'relay,relay-memory,relay-streams,relay-stall,relay-shares,relay-flood,strangers',
      ...['--runs', '3'],
    ),
  },
  datagrams: {
    what: 'datagrams, udp and quic',
    run: rows('udp-batch,udp-blast,udp-memory,quic,quic-peers', '--runs', '5'),
  },
  rdma: { what: 'fabrics', run: rows('rdma', '--runs', '3') },
  links: {
    what: 'emulated links, about 25 minutes',
    run: rows('link,link-rate,link-fairness', '--runs', '3'),
  },
  auto: { what: 'the choice of a transport, about 15 minutes', run: rows('auto', '--runs', '3') },
  tcp: {
    what: 'one TCP connection, from memory to memory',
    run: bench('--transport', 'tcp', '--pattern', 'memory'),
  },
  'stream-layer': {
    what: 'the stream layer alone, in memory',
    run: bench('--transport', 'memory', '--pattern', 'memory,latency,streams'),
  },
  bench: {
    what: 'every transport beside every tool that is there',
    run: bench('--transport', 'all', '--peers', 'found'),
  },
};
