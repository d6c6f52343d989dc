import { join } from 'node:path';
import { tcp } from '../../plugins/mux/dist/index.js';
import { PathDialer, TransportRegistry } from '../../dist/index.js';
import { unlimited } from './loopback-link.mjs';
import { line, program, start } from './processes.mjs';

/** A relay in a process of its own on a free port of loopback: `{ run, url, port }`. */
export async function startRelay({ directory }, { listen = 'tcp://127.0.0.1:0', flags = [], limitMs } = {}) {
  const { PATH } = process.env;
  const env = { PATH, HOME: directory, XFER_HOME: join(directory, 'relay') };
  const args = [program, 'relay', '--listen', listen, '--json', ...flags];
  const run = start(process.execPath, args, { env }, limitMs);
  const listening = await line(run, (text) => {
    const event = text.startsWith('{') ? JSON.parse(text) : {};
    return event.event === 'listening' ? event : undefined;
  });
  const [url] = listening.addresses;
  return { run, url, port: Number(url.split(':').at(-1)) };
}

/** Ends them; their last sizes stay known. */
export async function stopRelays(relays) {
  for (const { run } of relays) run.child.kill('SIGKILL');
  await Promise.all(relays.map(({ run }) => run.ended));
}

/** Somebody in this process who listens: `{ url, close }`; `onStream` gets each stream, accepted. */
export async function endpoint(onStream) {
  const transport = await tcp().load();
  const listener = await transport.listen(
    { scheme: 'tcp', host: '127.0.0.1', port: 0 },
    {
      limits: { maxStreams: 100_000, budget: unlimited() },
      onConnection: (connection) =>
        connection.onStream((stream, header) => {
          stream.accept();
          onStream(stream, header);
        }),
    },
  );
  return { url: `tcp://127.0.0.1:${listener.address.port}`, close: () => listener.close() };
}

/** A connection of this process over relays to `to`, or a direct one where there are none. */
export async function dialOver(relays, to) {
  const signal = new AbortController().signal;
  const registry = new TransportRegistry();
  registry.add(tcp(), 'bench');
  if (relays.length > 0)
    return new PathDialer(registry, { relays: relays.map(({ url }) => [url]), to }).dial(signal);
  const [, host, port] = /^tcp:\/\/(.*):(\d+)$/.exec(to);
  return (await tcp().load()).dial({ scheme: 'tcp', host, port: Number(port) }, { signal });
}

/** Its size when two samples in a row are much the same, or after 5 s. */
export async function settled({ run }) {
  let last = 0;
  for (let tries = 0; tries < 25; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = run.residentBytes().at(-1) ?? 0;
    if (now > 0 && Math.abs(now - last) < 256 * 1024) return now;
    last = now;
  }
  return last;
}
