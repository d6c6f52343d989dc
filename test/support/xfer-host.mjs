// Runs `send` and `recv` of the built xfer, many of them one after the other or at once, for run-hosted.ts: see there.
import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core';
import { XferError } from '../../dist/index.js';
import Recv from '../../dist/commands/recv.js';
import Send from '../../dist/commands/send.js';

const config = await Config.load(fileURLToPath(new URL('../..', import.meta.url)));
/** What ends each command that runs, by its number. */
const running = new Map();

process.on('message', (request) => {
  if ('args' in request) void run(request);
  else running.get(request.id)?.abort(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'));
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });

async function run({ id, args: [name, ...words], home }) {
  const stop = new AbortController();
  running.set(id, stop);
  const view = {
    // A process that has ended says no more.
    onEvent: (event) => running.has(id) && process.send?.({ id, text: `${JSON.stringify(event)}\n` }),
    suspended: (work) => work(),
    close: () => Promise.resolve(),
  };
  let status = 0;

  class Hosted extends (name === 'recv' ? Recv : Send) {
    view() {
      return view;
    }

    transfer(flags, work) {
      const here = (options) => work({ ...options, home }, view);
      return super.transfer(flags, here, { signal: stop.signal });
    }

    /** The status is that of the command, and not of the process that runs it. */
    catch(error) {
      const caught = super.catch(error);
      status = Number(process.exitCode);
      process.exitCode = 0;
      return caught;
    }

    start() {
      return this._run();
    }
  }

  await new Hosted(words, config).start();
  running.delete(id);
  process.send?.({ id, status });
}
