import { asXferError, XferError } from '../errors/index.js';
import { loadIdentity } from '../session/identity.js';
import { checkGiven } from '../transfer/given-paths.js';
import { FanOut } from './fan-out.js';
import { readFilter } from './filters.js';
import { hopProver } from './hop-prover.js';
import { JointEvents } from './joint-events.js';
import { LimitShares } from './limit-shares.js';
import type { SendManyOptions, SendResult } from './options.js';
import { sendTo } from './send.js';
import { parseTarget } from './target.js';

/**
 * Sends the same files and directories to several receivers at once. What is sent anew goes to all of them sealed once;
 * updates and what goes on from an earlier try go to each by itself. Resolves with what each has committed, in the order
 * of `targets`; rejects with the first XferError when all have ended, after an `error` event for each that failed.
 */
export async function sendToMany(options: SendManyOptions): Promise<readonly SendResult[]> {
  const { targets, signal, onEvent } = options;
  if (options.paths.includes('-'))
    throw new XferError('ERR_XFER_USAGE', 'what comes from stdin goes to one target', {
      remedy: 'give it to several by xfer pipe - TARGET..., each with xfer pipe --listen URL file:PATH',
    });
  if (new Set(targets).size < targets.length)
    throw new XferError('ERR_XFER_USAGE', 'a target is named twice', { remedy: 'name each target once' });
  const parsed = targets.map((target) => ({ target, place: parseTarget(target) }));
  const filter = await readFilter(options.filters ?? [], signal);
  await checkGiven(options.paths, filter);
  const events = new JointEvents(targets, onEvent);
  const shares = options.limit && new LimitShares(options.limit, targets.length);
  const identity = once(() => loadIdentity(options.home));
  const { transports, tuning, home, identify, relayToken: token } = options;
  const fanOut = new FanOut({
    ...{ transports, tuning, signal, targets: targets.length },
    prove: async () => hopProver({ home, identity: identify ? await identity() : undefined, token }),
    compress: options.compress ?? 'auto',
    limit: shares?.share(),
  });
  const common = { ...options, ...askedOnce(options), filter };
  let first: XferError | undefined;
  const sendings = parsed.map(async ({ target, place }) => {
    const own = { ...common, limit: shares?.share(), onEvent: events.handle.bind(events, target) };
    const entry = fanOut.entry();
    // What compares or goes by itself anyway is not waited for.
    if (options.update) entry.decline();
    try {
      return await sendTo(own, place, identity, entry);
    } catch (thrown) {
      const error = asXferError(thrown);
      const { code, message, remedy, row } = error;
      first ??= error;
      events.drop(target);
      if (!signal.aborted) onEvent({ event: 'error', target, code, message, remedy, exit: row.exit });
      throw error;
    } finally {
      entry.decline();
    }
  });
  const settled = await Promise.allSettled(sendings);
  await fanOut.close();
  if (first) throw first;
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** One code for all, asked for once. */
function askedOnce({ askCode }: SendManyOptions): Pick<SendManyOptions, 'askCode'> {
  return askCode ? { askCode: once(askCode) } : {};
}

function once<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | undefined;
  return () => (asked ??= work());
}
