import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { asXferError, fileError, XferError } from '../errors/index.js';
import { fileEndpoints } from '../pipe/file-endpoint.js';
import { printable } from '../transfer/printable.js';
import type { Dialler } from './dialler.js';
import type { SendResult } from './options.js';
import { PipeAccount } from './pipe-account.js';
import { DialledPipes } from './pipe-dial.js';
import { dialledEnd, localEnd, runStream } from './pipe-stream.js';
import type { SendSession } from './send-session.js';
import type { Filtered } from './send.js';

/**
 * Sends one file to a receiver that writes it to its standard output (`recv --output -`): by a channel, as a pipe. Takes over
 * the session. Rejects with ERR_XFER_REFUSED where there is more to send than one file, and then that side is told.
 */
export async function sendToStdout(
  dialler: Dialler,
  opened: SendSession,
  options: Filtered,
): Promise<SendResult> {
  const { onEvent, signal, limit, compress, lanes } = options;
  const account = new PipeAccount({ onEvent, limit, ofFile: 'send' });
  const onProgress = () => account.push();
  const dialled = new DialledPipes(dialler, opened, {
    ...{ limit, onProgress },
    ...(compress === undefined ? {} : { compress }),
    ...(lanes === undefined ? {} : { lanes }),
  });
  const lost = new AbortController();
  dialled.pipes.over.catch((error: unknown) => lost.abort(error));
  try {
    const path = await oneFile(options);
    const kind = await fileEndpoints().load();
    const onNote = (message: string) => onEvent({ event: 'note', message });
    const file = localEnd({
      kind: 'local',
      open: (use, stop) => kind.open(`file:${path}`, { use, signal: stop, onNote }),
    });
    await runStream([file], [dialledEnd(dialled.pipes, options.name ?? basename(path))], {
      ...{ duplex: false, signal, opening: lost.signal, meter: account.meter, onProgress },
    });
    await dialled.end();
  } catch (thrown) {
    const error = asXferError(thrown);
    account.drop();
    if (error.code === 'ERR_XFER_REFUSED') dialled.pipes.abort(error);
    await dialled.end(error);
    throw error;
  }
  return account.done([{ peer: await dialled.peer, ...dialled.shape }]);
}

/** Its path, whole: in `file:` it is what it is. */
async function oneFile({ paths, remove, update }: Filtered): Promise<string> {
  const [path = '', ...others] = paths;
  const single = resolve(path);
  try {
    if (others.length > 0 || !(await stat(single)).isFile()) throw notOneFile();
  } catch (cause) {
    throw cause instanceof XferError ? cause : fileError(cause, `cannot read ${printable(path)}`);
  }
  if (remove || update !== undefined)
    throw new XferError(
      'ERR_XFER_REFUSED',
      'the other side writes to its standard output, where nothing stands',
      {
        remedy: 'leave out --update, --checksum and --delete',
      },
    );
  return single;
}

const notOneFile = (): XferError =>
  new XferError(
    'ERR_XFER_REFUSED',
    'the other side writes one file to its standard output, and there is more',
    {
      remedy: 'name one file, send tar c DIR | xfer send - --name NAME, or start xfer recv DIR there',
    },
  );
