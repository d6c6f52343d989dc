import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listeningPipe, pipeProcess, told } from './pipes.mjs';
import { compare, finish } from './processes.mjs';
import { spread } from './stats.mjs';

const lineBytes = 100;
const wanted = 150e6;

/** Lines of 100 bytes that are kept whole; what comes out is compared byte by byte. From `connected` to the end. */
export const pipeLinesRow = {
  name: 'pipe-lines',
  title: 'lines through a pipe',
  async measure(context) {
    const { directory, runs, smoke } = context;
    const lines = smoke ? 100_000 : 1_000_000;
    const [path, out] = [join(directory, 'lines'), join(directory, 'lines-out')];
    await writeFile(
      path,
      Array.from({ length: lines }, (_, at) => `${at} `.padEnd(lineBytes - 1, 'x') + '\n').join(''),
    );
    const rates = [];
    for (let round = 0; round < runs; round++) {
      const { run, url } = await listeningPipe(context, [], { to: `>(cat > ${out})` });
      const giver = pipeProcess(context, 'sender', [url, '--frame', 'lines'], { from: `<(cat ${path})` });
      const { seconds } = await told(giver, 'done');
      await finish(giver, 'xfer pipe, giving');
      await finish(run, 'xfer pipe, taking');
      await compare(path, out);
      rates.push((lines * lineBytes) / seconds);
    }
    for (const file of [path, out]) rmSync(file);
    return [
      {
        ...{
          part: `${lines} of ${lineBytes} bytes`,
          unit: 'GB/s',
          ours: spread(rates.map((rate) => rate / 1e9)),
        },
        ...{ peer: spread([wanted / 1e9]), peerName: 'wanted' },
        ...{ ratio: spread(rates).median / wanted, goal: { atLeast: 1 } },
      },
    ];
  },
};
