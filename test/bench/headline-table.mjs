import { caption, markdownTable, rowOf } from './read-result.mjs';

/** Of a peer that was not there: none. */
const seconds = (found) => (found ? `${found.median.toFixed(2)} s` : 'not measured');
const rate = (found) => (found ? `${found.median.toFixed(2)} GB/s` : 'not measured');

/** What the README tells: few rows, each with the peers that a reader has. */
export function headlineTable({ transfer, pipes, relays }) {
  const whole = ['scp', 'rsync', 'socat'].map((peer) => rowOf(transfer, 'transfer', `beside ${peer}`));
  const [scp, rsync, socat] = whole.map(({ peer }) => seconds(peer));
  const small = (peer) => rowOf(transfer, 'small-files', `beside ${peer}`);
  const one = rowOf(transfer, 'small-file');
  const sparse = rowOf(transfer, 'sparse');
  const relay = rowOf(relays, 'relay');
  const memory = ['sender', 'receiver'].map((side) => rowOf(transfer, 'memory', side).ours.median);
  const lines = [
    [
      '1 GiB, whole commands, start and login included',
      seconds(whole[0].ours),
      `scp with its fastest cipher ${scp}, rsync over ssh ${rsync}, socat without encryption ${socat}`,
    ],
    [
      '10,000 files of 4 KiB, the same',
      seconds(small('rsync').ours),
      `rsync over ssh ${seconds(small('rsync').peer)}, scp -r ${seconds(small('scp').peer)}`,
    ],
    ['10 bytes, to a receiver that both know', seconds(one.ours), `scp ${seconds(one.peer)}`],
    [
      '20 GiB sparse, with 64 MiB of data',
      seconds(sparse.ours),
      `a plain file of 64 MiB ${seconds(sparse.peer)}`,
    ],
    ['1 GiB over three relays', rate(relay.ours), `${relay.peerName} ${rate(relay.peer)}`],
    ['peak memory, either side', `${Math.max(...memory).toFixed(0)} MB`, 'not measured'],
    ...pipeLines(pipes),
  ];
  const captions = [transfer, pipes, relays].map((result) => `- ${caption(result)}`).join('\n');
  return `${markdownTable(['', 'xfer', 'beside'], lines)}\n\n${captions}`;
}

function pipeLines(pipes) {
  const random = pipes.rows.filter(
    ({ name, part }) => name === 'pipe' && /random/.test(part ?? '') && /beside/.test(part),
  );
  const lines = rowOf(pipes, 'pipe-lines');
  const byte = rowOf(pipes, 'pipe-latency');
  return [
    [
      '4 GiB of random bytes through a pipe',
      random[0] ? rate(random[0].ours) : '',
      random.map(({ peerName, peer }) => `${peerName} ${rate(peer)}`).join(', '),
    ],
    ['a million lines of 100 bytes through a pipe', rate(lines.ours), 'not measured'],
    ['one byte through a pipe, `--no-delay`', `${byte.ours.median.toFixed(2)} ms`, 'not measured'],
  ];
}
