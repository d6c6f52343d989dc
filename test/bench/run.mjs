import { existsSync } from 'node:fs';
import { largeFile } from './large-file.mjs';
import { parseOptions, usage } from './options.mjs';
import { cleanUpAtTheEnd, memoryDirectory } from './processes.mjs';
import { autoRow } from './row-auto.mjs';
import { cpuRow } from './row-cpu.mjs';
import { laneRow } from './row-lane.mjs';
import { linkRow } from './row-link.mjs';
import { linkFairnessRow } from './row-link-fairness.mjs';
import { linkRateRow } from './row-link-rate.mjs';
import { manyFilesRow } from './row-many-files.mjs';
import { memoryRow } from './row-memory.mjs';
import { pipeRow } from './row-pipe.mjs';
import { pipeCutsRow } from './row-pipe-cuts.mjs';
import { pipeLatencyRow } from './row-pipe-latency.mjs';
import { pipeLinesRow } from './row-pipe-lines.mjs';
import { pipeSlowRow } from './row-pipe-slow.mjs';
import { poolRow } from './row-pool.mjs';
import { quicRow } from './row-quic.mjs';
import { quicPeersRow } from './row-quic-peers.mjs';
import { rdmaRow } from './row-rdma.mjs';
import { relayRow } from './row-relay.mjs';
import { relayFloodRow } from './row-relay-flood.mjs';
import { relayMemoryRow } from './row-relay-memory.mjs';
import { relaySharesRow } from './row-relay-shares.mjs';
import { relayStallRow } from './row-relay-stall.mjs';
import { relayStreamsRow } from './row-relay-streams.mjs';
import { resumeRow } from './row-resume.mjs';
import { smallFileRow } from './row-small-file.mjs';
import { smallFilesRow } from './row-small-files.mjs';
import { sparseRow } from './row-sparse.mjs';
import { startupRow } from './row-startup.mjs';
import { strangersRow } from './row-strangers.mjs';
import { transfer4gRow, transferRow } from './row-transfer.mjs';
import { udpBatchRow } from './row-udp-batch.mjs';
import { udpBlastRow } from './row-udp-blast.mjs';
import { udpMemoryRow } from './row-udp-memory.mjs';
import { zmqRow } from './row-zmq.mjs';
import { lacksRoom } from './room.mjs';
import { sshd } from './sshd.mjs';
import { machine, table, verdict } from './table.mjs';

const largeRows = [transferRow, laneRow, cpuRow, memoryRow];
const hugeRows = [transfer4gRow];
const relayRows = [
  ...[relayRow, relayMemoryRow, relayStreamsRow, relayStallRow, relaySharesRow, relayFloodRow],
  strangersRow,
];
const linkRows = [linkRow, linkRateRow, linkFairnessRow, autoRow];
const otherRows = [
  ...[startupRow, smallFileRow, smallFilesRow, sparseRow, resumeRow, manyFilesRow, poolRow],
  ...[pipeRow, pipeLatencyRow, pipeLinesRow, pipeSlowRow, pipeCutsRow, zmqRow],
  ...relayRows,
  ...[udpBatchRow, udpBlastRow, udpMemoryRow, quicRow, quicPeersRow, rdmaRow],
  ...linkRows,
];
const names = [...largeRows, ...hugeRows, ...otherRows].map(({ name }) => name);

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
// What still runs is ended, and the directory removed, by the handler of `exit`.
process.exit();

async function main() {
  const options = parseOptions(process.argv.slice(2), names);
  if (options.help) {
    console.log(usage);
    return 0;
  }
  if (!existsSync(new URL('../../dist/index.js', import.meta.url)))
    throw new Error('not built: npm run build');
  cleanUpAtTheEnd();
  const context = benchContext(options);
  const about = machine();
  const { rows, notes } = await measure(context, options);
  if (options.json) console.log(JSON.stringify({ ...about, size: options.size, notes, rows }));
  else {
    console.log(Object.values(about).join(' · '));
    console.log(`\n${table(rows, !options.smoke)}\n`);
    for (const note of notes) console.log(note);
  }
  return !options.smoke && rows.some((row) => verdict(row) === 'missed') ? 1 : 0;
}

function benchContext({ size, runs, smoke, transports }) {
  const directory = memoryDirectory();
  let server;
  return {
    ...{ directory, size, runs, smoke, transports },
    // One for all rows, started by the first that needs it.
    sshd: () => (server ??= sshd({ directory })),
    say: (text) => process.stderr.write(`${text}\n`),
  };
}

async function measure(context, { wants }) {
  const rows = [];
  const notes = [];
  // What is asked for briefly must be brief.
  const timed = async (name, work) => {
    const begun = performance.now();
    const done = await work();
    if (context.smoke) context.say(`${name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return done;
  };
  const hugeBytes = context.smoke ? context.size : 4 * 2 ** 30;
  for (const [group, size] of [
    [largeRows, context.size],
    [hugeRows, hugeBytes],
  ]) {
    const large = group.filter(wants);
    if (large.length === 0) continue;
    const lacking = lacksRoom(2 * size + 2 ** 30);
    if (lacking) rows.push(...large.flatMap((row) => named(row, [{ skipped: lacking }])));
    else {
      const needs = new Set(large.flatMap((row) => row.needs));
      const samples = await timed(large.map(({ name }) => name).join(', '), () =>
        largeFile(context, needs, size),
      );
      notes.push(...samples.notes);
      for (const row of large) rows.push(...named(row, row.from(samples)));
    }
  }
  for (const row of otherRows.filter(wants))
    rows.push(...named(row, await timed(row.name, () => row.measure(context))));
  return { rows, notes };
}

function named({ name, title }, rows) {
  return rows.map((row) => ({ name, title, ...row }));
}
