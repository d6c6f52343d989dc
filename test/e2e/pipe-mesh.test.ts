import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenPipe, runPipe, type PipeRun } from '../support/run-pipe.js';
import { startRelay } from '../support/start-relay.js';

const MiB = 2 ** 20;
const env = { XFER_CODE: '4821-crossover-clockwork-melon' };
const both = ['--duplex', '--fork'];

/** A service behind the exit; what it does with each connection is the test's. */
async function service(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return server;
}

/** All that comes; `stream/consumers` would close the other half as well. */
async function contentOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

const text = async (socket: Socket): Promise<string> => (await contentOf(socket)).toString();

/** Resets are ends as others are. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.on('error', () => undefined).on('close', () => resolve()));

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Answers as HTTP/1.0 does: all of the request, and then all of the answer. */
const answering = (socket: Socket): void =>
  void text(socket).then((request) => socket.end(`answer to ${request.split('\r\n')[0] ?? ''}`));

interface Mesh {
  readonly entry: PipeRun;
  readonly exit: PipeRun;
  /** A connection to the way in. */
  dial(): Socket;
}

/** A way in, and a way out to `place`, on two machines; over a relay's room where there is one. */
async function mesh(place: string, relay?: string): Promise<Mesh> {
  const via = relay === undefined ? [] : ['--via', relay];
  const listen = relay === undefined ? 'tcp://127.0.0.1:0' : 'room:mesh';
  const { run: exit, address } = await listenPipe([place, ...both, ...via], {
    env,
    listen,
    timeoutMs: 60_000,
  });
  const target = relay === undefined ? address : listen;
  const entry = await runPipe(['tcp-listen:127.0.0.1:0', target, ...both, ...via], {
    env,
    timeoutMs: 60_000,
  });
  const found = () => /waiting at tcp-listen:127\.0\.0\.1:(\d+)/.exec(entry.stderr)?.[1];
  await entry.until(() => found() !== undefined);
  // What ends resets what is still there; what was lost is seen in what came.
  const dial = () =>
    connect({ port: Number(found()), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  return { entry, exit, dial };
}

async function end({ entry, exit }: Mesh): Promise<void> {
  await entry.kill('SIGINT');
  await exit.kill();
}

const ask = async (socket: Socket, path: string): Promise<string> => {
  socket.end(`GET ${path} HTTP/1.0\r\n\r\n`);
  return text(socket);
};

describe('a mesh of ports', () => {
  it('carries fifty connections at once, each half closed by both ends', async () => {
    const through = await mesh(`tcp-connect:127.0.0.1:${portOf(await service(answering))}`);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ask(through.dial(), `/${at}`)));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, at) => `answer to GET /${at} HTTP/1.0`));
    await end(through);
  }, 60_000);

  it('carries the end of the answer before that of the question', async () => {
    const asked: Promise<string>[] = [];
    const server = await service((socket) => {
      socket.end('hello');
      asked.push(text(socket));
    });
    const through = await mesh(`tcp-connect:127.0.0.1:${portOf(server)}`);
    const socket = through.dial();
    expect(await text(socket)).toBe('hello');
    socket.end('and this');
    expect(await asked[0]).toBe('and this');
    await end(through);
  });

  it('is held up by nobody who does not read', async () => {
    const server = await service((socket) => {
      socket.once('data', (data) => {
        if (String(data).startsWith('much')) socket.end(Buffer.alloc(64 * MiB));
        else socket.end('quick');
      });
    });
    const through = await mesh(`tcp-connect:127.0.0.1:${portOf(server)}`);
    const slow = through.dial();
    slow.write('much');
    await once(slow, 'readable');
    for (let i = 0; i < 5; i++) {
      const quick = through.dial();
      quick.write('x');
      expect(await text(quick)).toBe('quick');
      quick.end();
    }
    expect((await contentOf(slow)).length).toBe(64 * MiB);
    slow.end();
    await end(through);
  }, 60_000);

  it.each([
    ['that nobody listens on', 'tcp-connect:127.0.0.1:1', 'refused'],
    ['whose name is unknown', 'tcp-connect:nowhere.invalid:80', 'nowhere.invalid'],
  ])('closes just the connection to a place %s, with a note', async (_what, place, reason) => {
    const through = await mesh(place);
    for (let i = 0; i < 2; i++) {
      const socket = through.dial();
      socket.resume();
      await closed(socket);
    }
    const notes = ({ events }: PipeRun) =>
      events.filter((event) => event.event === 'note' && event.message.includes(reason));
    await through.entry.until((run) => notes(run).length === 2);
    await through.exit.until((run) => notes(run).length === 2);
    await end(through);
  });

  it('closes its connections on both sides when the session dies', async () => {
    const endings: Promise<unknown>[] = [];
    const server = await service((socket) => {
      socket.resume();
      socket.write('hello');
      endings.push(closed(socket));
    });
    const through = await mesh(`tcp-connect:127.0.0.1:${portOf(server)}`);
    const socket = through.dial();
    await once(socket, 'data');
    const seen = closed(socket);
    expect((await through.entry.kill('SIGINT')).status).toBe(130);
    await Promise.all([seen, ...endings]);
    await through.exit.kill();
  });

  it('closes its way in when the exit is gone for longer than --retry', async () => {
    const server = await service((socket) => socket.resume().write('hello'));
    const { run: exit, address } = await listenPipe([`tcp-connect:127.0.0.1:${portOf(server)}`, ...both], {
      env,
    });
    const entry = await runPipe(['tcp-listen:127.0.0.1:0', address, ...both, '--retry', '0'], { env });
    const found = () => /waiting at tcp-listen:127\.0\.0\.1:(\d+)/.exec(entry.stderr)?.[1];
    await entry.until(() => found() !== undefined);
    const socket = connect(Number(found()), '127.0.0.1');
    await once(socket, 'data');
    const seen = closed(socket);
    void exit.kill();
    await seen;
    expect((await entry.ended).status).toBe(3);
  });

  it('leads over a relay as well', async () => {
    const relay = await startRelay();
    const place = `tcp-connect:127.0.0.1:${portOf(await service(answering))}`;
    const through = await mesh(place, relay.url);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => ask(through.dial(), `/${at}`)));
    expect(answers).toEqual(Array.from({ length: 10 }, (_, at) => `answer to GET /${at} HTTP/1.0`));
    await end(through);
    await relay.run.kill();
  }, 60_000);
});
