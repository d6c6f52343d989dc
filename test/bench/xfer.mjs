import { join } from 'node:path';
import { finish, line, program, startAt } from './processes.mjs';

/**
 * A receiver that listens, on a free loopback port unless told otherwise: `{ run, url, code }`. `code` is there where it
 * made one. `end` is that of an emulated link where it runs; `listen: null` is whatever a receiver listens on by default.
 */
export async function receiver(context, { directory, flags = [], code, limitMs, end, listen }) {
  const listens = listen === null ? [] : ['--listen', listen ?? 'tcp://127.0.0.1:0'];
  const args = ['recv', directory, ...listens, '--json', ...flags];
  const env = environment(context, 'receiver', code);
  const run = startAt(end, process.execPath, [program, ...args], { env }, limitMs);
  const listening = await line(run, eventOf('listening'));
  return { run, url: listening.addresses[0], code: listening.code };
}

/** `xfer send`, whole: `{ seconds, done, run }`, `done` being its event. */
export async function send(context, what) {
  const run = sending(context, what);
  const { seconds } = await finish(run, 'xfer send');
  return { seconds, done: await line(run, eventOf('done')), run };
}

/** `xfer send`, just started. */
export function sending(context, { path, url, flags = [], code, limitMs, end }) {
  const env = environment(context, 'sender', code);
  const args = [program, 'send', path, url, '--json', ...flags];
  return startAt(end, process.execPath, args, { env }, limitMs);
}

/** Every event of a run that was just started, with the time of its arrival; the list grows until the run ends. */
export function timedEvents(run) {
  const events = [];
  let rest = '';
  run.child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const one of lines)
      if (one.startsWith('{')) events.push({ atMs: performance.now(), event: JSON.parse(one) });
  });
  return events;
}

/** One whole transfer to a receiver that was there before: what both runs were, and the sender's seconds. `flags` are its. */
export async function transferOnce(context, { path, directory, code, limitMs, listen, flags }) {
  const { run, url } = await receiver(context, { directory, flags: ['--once'], code, limitMs, listen });
  const sent = await send(context, { path, url, flags, code, limitMs });
  await finish(run, 'xfer recv');
  return { seconds: sent.seconds, done: sent.done, sender: sent.run, receiver: run };
}

/** Both ends have homes of their own in the bench's directory: nothing of the user's is read or written. */
function environment({ directory }, side, code) {
  const { PATH } = process.env;
  return {
    PATH,
    HOME: directory,
    XFER_HOME: join(directory, side),
    ...(code === undefined ? {} : { XFER_CODE: code }),
  };
}

/** For `line`: the event of that name. */
export const eventOf = (name) => (text) => {
  if (!text.startsWith('{')) return undefined;
  const event = JSON.parse(text);
  return event.event === name ? event : undefined;
};
