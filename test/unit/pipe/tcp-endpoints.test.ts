import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Endpoint } from '../../../src/pipe/endpoint.js';
import { tcpConnect, tcpListen } from '../../../src/pipe/tcp-endpoints.js';
import { optionsFor, readAll, sinkOf, sourceOf, textOf, writeUntilRefused } from './endpoint-kit.js';

const open: (Endpoint | Server | Socket | { close(): Promise<void> })[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) {
    if ('destroy' in thing) thing.destroy();
    else await thing.close();
  }
});

const kept = <T extends (typeof open)[number]>(thing: T): T => {
  open.push(thing);
  return thing;
};

async function serve(onSocket: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server = kept(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      onSocket(kept(socket));
    }),
  );
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A `tcp-listen:` that waits for one, and the port that it told of. */
async function waiting(url: string, use: 'source' | 'sink' | 'both') {
  let note: (message: string) => void = () => undefined;
  const noted = new Promise<string>((resolve) => (note = resolve));
  const endpoint = tcpListen.open(
    url,
    optionsFor(use, (message) => note(message)),
  );
  const message = await noted;
  return { endpoint, message, port: Number(/\d+$/.exec(message)?.[0]) };
}

const dial = (port: number, host = '127.0.0.1'): Socket =>
  kept(connect({ port, host, allowHalfOpen: true })).on('error', () => undefined);

describe('tcp-connect:', () => {
  it('talks to a server, each way ending by itself', async () => {
    const port = await serve((socket) => void textOf(socket).then((text) => socket.end(`got ${text}`)));
    const endpoint = kept(await tcpConnect().open(`tcp-connect:localhost:${port}`, optionsFor('both')));
    await sinkOf(endpoint).write(Buffer.from('a question'));
    await sinkOf(endpoint).end();
    expect(await readAll(endpoint)).toBe('got a question');
  });

  it('says when it can be read: content, much of it, and the end', async () => {
    let peer: Socket | undefined;
    const port = await serve((socket) => (peer = socket));
    const endpoint = kept(await tcpConnect().open(`tcp-connect:localhost:${port}`, optionsFor('source')));
    const source = sourceOf(endpoint);
    const into = Buffer.alloc(1024 * 1024);
    const sizes: number[] = [];
    for (const bytes of [5, 300_000, 0]) {
      const readable = source.readable?.();
      expect(readable).toBeInstanceOf(Promise);
      if (bytes > 0) peer?.write(Buffer.alloc(bytes, 'x'));
      else peer?.end();
      await readable;
      let got = await source.read(into);
      while (got < bytes) {
        await source.readable?.();
        got += await source.read(into);
      }
      sizes.push(got);
    }
    expect(sizes).toEqual([5, 300_000, 0]);
    expect(source.readable?.()).toBeUndefined();
  });

  it('tries the addresses of a name until one answers', async () => {
    const port = await serve((socket) => socket.end('here'));
    const resolve = () =>
      Promise.resolve([
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const kind = tcpConnect({ resolve });
    const endpoint = kept(await kind.open(`tcp-connect:several.example:${port}`, optionsFor('source')));
    expect(await readAll(endpoint)).toBe('here');
  });

  it('says that a name has no address', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    await expect(
      tcpConnect({ resolve }).open('tcp-connect:nowhere.invalid:80', optionsFor('both')),
    ).rejects.toMatchObject({
      code: 'ERR_XFER_UNKNOWN_HOST',
      message: 'tcp-connect:nowhere.invalid:80: unknown host',
    });
  });

  it('says that nobody listens', async () => {
    const port = await serve(() => undefined);
    (open.pop() as Server).close();
    await expect(
      tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('both')),
    ).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_REFUSED',
      remedy: 'check that a program listens there on this port',
    });
  });

  it.each([
    [() => tcpConnect().check('tcp-connect:host', 'both'), 'write tcp-connect:HOST:PORT'],
    [
      () => tcpListen.check('tcp-listen:99999', 'both'),
      'write tcp-listen:[HOST:]PORT with a port up to 65535',
    ],
  ])('says how it is written', (check, remedy) => {
    expect(check).toThrow(
      expect.objectContaining({
        code: 'ERR_XFER_USAGE',
        remedy: expect.stringContaining(remedy) as string,
      }) as Error,
    );
  });

  it('gives what came with the end behind it, into little memory and into much', async () => {
    const text = Array.from({ length: 500_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
    const port = await serve((socket) => socket.end(text));
    for (const bytes of [7_001, 65_536, 1_000_000]) {
      const endpoint = kept(await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('source')));
      expect((await readAll(endpoint, bytes)) === text).toBe(true);
    }
  });

  it('says that content is not whole when it is reset, though all that came could be read', async () => {
    const port = await serve((socket) =>
      socket.once('data', () => socket.write('some of it', () => socket.resetAndDestroy())),
    );
    const endpoint = kept(await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('both')));
    await sinkOf(endpoint).write(Buffer.from('go'));
    await expect(readAll(endpoint)).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_LOST',
      message: expect.stringContaining('what came is not all') as string,
    });
    await expect(readAll(endpoint)).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
  });

  it('has a broken pipe when the server goes, while writing and while not', async () => {
    let serverSide: Socket | undefined;
    const port = await serve((socket) => (serverSide = socket));
    const idle = kept(await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('sink')));
    const broken = new Promise((resolve) => sinkOf(idle).onBroken(resolve));
    await sinkOf(idle).write(Buffer.from('x'));
    serverSide?.resetAndDestroy();
    expect(await broken).toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await expect(sinkOf(idle).write(Buffer.from('y'))).rejects.toMatchObject({
      code: 'ERR_XFER_BROKEN_PIPE',
    });

    const busy = kept(await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('sink')));
    const refused = writeUntilRefused(busy);
    serverSide?.destroy();
    await expect(refused).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
  });

  it('is a broken pipe when the server resets behind the end, and has not taken all', async () => {
    const port = await serve((socket) => {
      socket.pause();
      setImmediate(() => socket.resetAndDestroy());
    });
    const endpoint = kept(await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('sink')));
    const all = sinkOf(endpoint)
      .write(Buffer.alloc(100_000))
      .then(() => sinkOf(endpoint).end());
    await expect(all).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
  });

  it('throws away what a sink alone is told, and cuts nothing by it', async () => {
    const got: Promise<string>[] = [];
    const port = await serve((socket) => {
      socket.write(Buffer.alloc(4_000_000));
      got.push(textOf(socket).finally(() => socket.end()));
    });
    const endpoint = kept(await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('sink')));
    await sinkOf(endpoint).write(Buffer.from('kept'));
    await sinkOf(endpoint).end();
    await endpoint.close();
    expect(await got[0]).toBe('kept');
  });

  it('is reset for the other side when it is closed before its end', async () => {
    const { endpoint: far, port } = await waiting('tcp-listen:0', 'source');
    const endpoint = await tcpConnect().open(`tcp-connect:127.0.0.1:${port}`, optionsFor('sink'));
    await sinkOf(endpoint).write(Buffer.from('some'));
    await endpoint.close();
    await expect(readAll(kept(await far))).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
  });
});

describe('tcp-listen:', () => {
  it('takes one, tells the real port, and is gone then', async () => {
    const { endpoint, message, port } = await waiting('tcp-listen:0', 'both');
    expect(message).toBe(`listening on tcp-listen:127.0.0.1:${port}`);
    const client = dial(port);
    client.end('hello');
    const came = kept(await endpoint);
    expect(await readAll(came)).toBe('hello');
    const second = dial(port);
    expect(await once(second, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
    await sinkOf(came).write(Buffer.from('bye'));
    const answer = textOf(client);
    await sinkOf(came).end();
    expect(await answer).toBe('bye');
  });

  it('listens on all addresses only when told so', async () => {
    const all = await waiting('tcp-listen:*:0', 'source');
    expect(all.message).toBe(`listening on tcp-listen:*:${all.port}`);
    dial(all.port, '127.0.0.2').end();
    kept(await all.endpoint);
    const own = await waiting('tcp-listen:0', 'source');
    const refused = dial(own.port, '127.0.0.2');
    expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
    dial(own.port).end();
    kept(await own.endpoint);
  });

  it('says that the port is in use', async () => {
    const port = await serve(() => undefined);
    await expect(tcpListen.open(`tcp-listen:${port}`, optionsFor('both'))).rejects.toMatchObject({
      code: 'ERR_XFER_ADDRESS_IN_USE',
    });
  });

  it('gives up when told so, and leaves the port', async () => {
    const giveUp = new AbortController();
    let note: (message: string) => void = () => undefined;
    const noted = new Promise<string>((resolve) => (note = resolve));
    const opening = tcpListen.open(
      'tcp-listen:0',
      optionsFor('source', (message) => note(message), giveUp.signal),
    );
    const port = Number(/\d+$/.exec(await noted)?.[0]);
    giveUp.abort(new Error('changed my mind'));
    await expect(opening).rejects.toThrow('changed my mind');
    expect(await once(dial(port), 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  });

  it('gives each that comes, and what came first is not lost', async () => {
    const came: Endpoint[] = [];
    const all = new Promise<void>((resolve) => {
      void tcpListen
        .listen?.('tcp-listen:0', {
          ...optionsFor('both'),
          onEndpoint(endpoint) {
            came.push(kept(endpoint));
            if (came.length === 3) resolve();
          },
        })
        .then((listener) => {
          kept(listener);
          const port = Number(/\d+$/.exec(listener.address)?.[0]);
          for (const name of ['a', 'b', 'c']) dial(port).end(name);
        });
    });
    await all;
    expect((await Promise.all(came.map((endpoint) => readAll(endpoint)))).sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('a source that is stopped', () => {
  it('lets the other way go on', async () => {
    const { endpoint, port } = await waiting('tcp-listen:0', 'both');
    const client = dial(port);
    client.write(Buffer.alloc(3_000_000));
    const came = kept(await endpoint);
    sourceOf(came).stop();
    const answer = textOf(client);
    await sinkOf(came).write(Buffer.from('still here'));
    client.end();
    await sinkOf(came).end();
    expect(await answer).toBe('still here');
  });
});
