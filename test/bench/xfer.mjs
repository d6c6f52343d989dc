import { join } from 'node:path';
import { finish, line, program, start } from './processes.mjs';

/** A receiver that listens on a free loopback port: `{ run, url, code }`. `code` is there where it made one. */
export async function receiver(context, { directory, flags = [], code }) {
  const args = ['recv', directory, '--listen', 'tcp://127.0.0.1:0', '--json', ...flags];
  const run = start(process.execPath, [program, ...args], { env: environment(context, 'receiver', code) });
  const listening = await line(run, eventOf('listening'));
  return { run, url: listening.addresses[0], code: listening.code };
}

/** `xfer send`, whole: `{ seconds, done, run }`, `done` being its event. */
export async function send(context, { path, url, flags = [], code }) {
  const run = start(process.execPath, [program, 'send', path, url, '--json', ...flags], {
    env: environment(context, 'sender', code),
  });
  const { seconds } = await finish(run, 'xfer send');
  return { seconds, done: await line(run, eventOf('done')), run };
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

const eventOf = (name) => (text) => {
  if (!text.startsWith('{')) return undefined;
  const event = JSON.parse(text);
  return event.event === name ? event : undefined;
};
