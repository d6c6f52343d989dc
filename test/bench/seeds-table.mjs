import { rate, us } from './bench-table.mjs';
import { caption, markdownTable, rowOf } from './read-result.mjs';

/** What is asked of each figure: `ours` finds it in the results, `needs` says where. */
const figures = [
  {
    seed: 'Freenet, its streaming transport',
    theirs: '1,338 MB/s',
    note: 'in memory, through its stream layer with packets of 1200 bytes; ours is the stream layer alone over a transport in memory, not sealed',
    needs: 'stream-layer',
    ours(result) {
      const { bytesPerSecond, bytes } = best(result, 'memory', ({ bytesPerSecond: most }) => most);
      return [`${rate(bytesPerSecond)}, messages of ${bytes} bytes`, bytesPerSecond / 1338e6];
    },
  },
  {
    seed: 'Freenet, the first fragment of a stream',
    theirs: '106 µs, in later versions 25',
    note: 'in memory as above; ours from `openStream` to the first byte at the far end, of streams that are opened one after the other with nothing beside them, before the many',
    needs: 'stream-layer',
    ours(result) {
      const { latency } = best(result, 'streams', ({ latency: own }) => -(own?.medianUs ?? Infinity));
      return [`${us(latency.medianUs)}, 99 % ${us(latency.p99Us)}`, 106 / latency.medianUs];
    },
  },
  {
    seed: 'Agave, its streamer',
    theirs: '879,154 packets a second',
    note: 'one socket that receives from four senders, 1232 bytes each, for 5 s; ours the same for 3 s, on another machine',
    needs: 'datagrams',
    ours(result) {
      const perSecond = rowOf(result, 'udp-batch').ours.median * 1000;
      return [`${Math.round(perSecond).toLocaleString('en-US')} packets a second`, perSecond / 879_154];
    },
  },
  {
    seed: 'Muti Metroo, memory of a stream',
    theirs: '256 KiB × hops',
    note: 'as it is described; its code holds nothing to that limit. Ours begins with 256 KiB a hop and grows with what the path carries; measured is the most that three relays held of a stream whose reader is slow, so less than 1 is more memory',
    needs: 'relays',
    ours(result) {
      const bytes = (rowOf(result, 'relay-memory', 'piped').ours.median * 1e6) / 3;
      return [`${Math.round(bytes / 1024).toLocaleString('en-US')} KiB × hops`, (256 * 1024) / bytes];
    },
  },
  {
    seed: 'tensor protocol, a small tensor',
    theirs: '1 to 5 ms, one connection used again',
    note: 'as it claims, of which 1 ms is compared; its maintainer measured 10 to 25, and its code does not use a connection again. Ours is a file of 64 KiB through a pool, sealed, until the receiver has committed it',
    needs: 'pool',
    ours(result) {
      const row = rowOf(result, 'pool');
      return [`${row.ours.median.toFixed(2)} ms, ${row.part}`, 1 / row.ours.median];
    },
  },
  {
    seed: 'Spawn, a TCP thread',
    theirs: '1.2 GB/s',
    note: 'a table of its description; there is nothing that measures it, and other rows exceed their own link. Ours is one stream of one connection between two processes on loopback, nothing sealed',
    needs: 'tcp',
    ours(result) {
      const { bytesPerSecond, bytes } = best(result, 'memory', ({ bytesPerSecond: most }) => most);
      return [`${rate(bytesPerSecond)}, messages of ${bytes} bytes`, bytesPerSecond / 1.2e9];
    },
  },
];

export function seedsTable(found) {
  const lines = figures.map(({ seed, theirs, needs, note, ours }) => {
    const [value, ratio] = found[needs]
      ? ours(found[needs])
      : [`not measured yet (\`npm run results -- ${needs}\`)`];
    return [seed, theirs, value, ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, note];
  });
  const from = [...new Set(figures.map(({ needs }) => needs))].filter((name) => found[name]);
  const captions = from.map((name) => `- ${name}: ${caption(found[name])}`).join('\n');
  return `${markdownTable(['whose', 'theirs', 'ours', 'better by', 'what both are'], lines)}\n\n${captions}`;
}

/** The row of xfer's in this pattern with the most of something. */
function best({ name, rows }, pattern, of) {
  const own = rows.filter((row) => row.pattern === pattern && row.kind === 'xfer');
  const [first] = own.sort((one, other) => of(other) - of(one));
  if (!first) throw new Error(`docs/results/${name}.json has no row of pattern ${pattern}`);
  return first;
}
