import { join } from 'node:path';
import { XferError } from '../errors/index.js';
import { EndpointRegistry } from '../pipe/endpoint-registry.js';
import { maxNameLength } from '../pipe/messages.js';
import type { SendOptions, SendResult } from './options.js';
import type { PipeOptions } from './pipe-options.js';
import { readPlace } from './pipe-place.js';
import { runPipe } from './pipe-run.js';
import { parseTarget } from './target.js';

/** Sends what comes from stdin as one file, which the receiver has under its name when all of it has come. */
export async function sendStdin(options: SendOptions & Pick<PipeOptions, 'stdio'>): Promise<SendResult> {
  const { paths, name, target } = options;
  if (paths.length > 1)
    throw usage('- is stdin, and stands alone', 'send the files by a command of their own');
  if (name === undefined || name === '')
    throw usage('what comes from stdin has no name', 'say what to call it: --name NAME');
  if (name.length > maxNameLength)
    throw usage(`the name has more than ${maxNameLength} characters`, 'give it a shorter one');
  const at = parseTarget(target);
  if (at.kind === 'local')
    throw usage(
      'what comes from stdin needs no receiver for a directory of this machine',
      `write xfer pipe file:${join(at.directory, name)}`,
    );
  const given: PipeOptions = { ...options, endpoints: new EndpointRegistry(), from: [], to: [] };
  const from = await readPlace({ kind: 'stdio' }, 'source', given);
  const to = await readPlace({ kind: 'target', target }, 'sink', given);
  return runPipe({ ...given, ofFile: 'send' }, { from: [from], to: [to] });
}

const usage = (message: string, remedy: string) => new XferError('ERR_XFER_USAGE', message, { remedy });
