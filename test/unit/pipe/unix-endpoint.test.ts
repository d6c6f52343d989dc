import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint, EndpointUse } from '../../../src/pipe/endpoint.js';
import { unixEndpoint } from '../../../src/pipe/unix-endpoint.js';
import { optionsFor, readAll, sinkOf, sourceOf, textOf, writeUntilRefused } from './endpoint-kit.js';

let directory = '';
const at = (name: string): string => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xfer-unix-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function listenAt(path: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(path);
  await once(server, 'listening');
  return server;
}

async function waiting(path: string, use: EndpointUse): Promise<{ endpoint: Promise<Endpoint> }> {
  let note: () => void = () => undefined;
  const noted = new Promise<void>((resolve) => (note = resolve));
  const endpoint = unixEndpoint.open(
    `unix:listen:${path}`,
    optionsFor(use, () => note()),
  );
  await Promise.race([noted, endpoint]);
  return { endpoint };
}

/** As a process leaves it that was killed while it listened. */
function leaveSocket(path: string): void {
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  try {
    execFileSync(process.execPath, ['-e', script, path], { stdio: 'ignore' });
  } catch {
    // It was killed.
  }
}

describe('unix:', () => {
  it('talks to whoever listens there', async () => {
    const server = await listenAt(at('server'));
    server.on('connection', (socket) => void textOf(socket).then((text) => socket.end(`got ${text}`)));
    const endpoint = await unixEndpoint.open(`unix:${at('server')}`, optionsFor('both'));
    await sinkOf(endpoint).write(Buffer.from('a question'));
    await sinkOf(endpoint).end();
    expect(await readAll(endpoint)).toBe('got a question');
    await endpoint.close();
    server.close();
  });

  it('says that there is nothing, or nobody', async () => {
    await expect(unixEndpoint.open(`unix:${at('nothing')}`, optionsFor('both'))).rejects.toMatchObject({
      code: 'ERR_XFER_NOT_FOUND',
    });
    leaveSocket(at('dead'));
    await expect(unixEndpoint.open(`unix:${at('dead')}`, optionsFor('both'))).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_REFUSED',
    });
  });

  it('breaks the pipe of who writes to a source that was stopped', async () => {
    const { endpoint } = await waiting(at('stopped'), 'source');
    const writer = await unixEndpoint.open(`unix:${at('stopped')}`, optionsFor('sink'));
    sourceOf(await endpoint).stop();
    await expect(writeUntilRefused(writer)).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await Promise.all([writer.close(), (await endpoint).close()]);
  });
});

describe('unix:listen:', () => {
  it('takes one, and removes its socket', async () => {
    const { endpoint } = await waiting(at('one'), 'source');
    expect(existsSync(at('one'))).toBe(true);
    connect(at('one')).end('hello');
    const came = await endpoint;
    expect(existsSync(at('one'))).toBe(false);
    expect(await readAll(came)).toBe('hello');
    await came.close();
  });

  it('replaces a socket that nobody answers on', async () => {
    leaveSocket(at('stale'));
    expect(existsSync(at('stale'))).toBe(true);
    const { endpoint } = await waiting(at('stale'), 'source');
    connect(at('stale')).end('hello');
    expect(await readAll(await endpoint)).toBe('hello');
    await (await endpoint).close();
  });

  it('leaves alone a socket that somebody listens on, and a file', async () => {
    const server = await listenAt(at('taken'));
    await expect(unixEndpoint.open(`unix:listen:${at('taken')}`, optionsFor('both'))).rejects.toMatchObject({
      code: 'ERR_XFER_ADDRESS_IN_USE',
    });
    server.close();
    await writeFile(at('file'), 'kept');
    await expect(unixEndpoint.open(`unix:listen:${at('file')}`, optionsFor('both'))).rejects.toMatchObject({
      code: 'ERR_XFER_EXISTS',
    });
    expect(existsSync(at('file'))).toBe(true);
  });

  it.skipIf(!existsSync('/proc/net/unix'))('is not taken for whoever another one waits for', async () => {
    const { endpoint } = await waiting(at('twice'), 'source');
    await symlink(directory, at('link'));
    const cwd = relative(process.cwd(), directory);
    for (const path of [at('twice'), at('link/twice'), join(cwd, 'twice')])
      await expect(unixEndpoint.open(`unix:listen:${path}`, optionsFor('both'))).rejects.toMatchObject({
        code: 'ERR_XFER_ADDRESS_IN_USE',
      });
    connect(at('twice')).end('hello');
    expect(await readAll(await endpoint)).toBe('hello');
    await (await endpoint).close();
  });

  it('says that the directory is not there', async () => {
    const url = `unix:listen:${at('no/such/directory')}`;
    await expect(unixEndpoint.open(url, optionsFor('both'))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_XFER_(NOT_FOUND|PERMISSION)$/) as string,
    });
  });

  it('gives all that come, and only where it is to listen', async () => {
    const texts: string[] = [];
    let onTwo: () => void = () => undefined;
    const two = new Promise<void>((resolve) => (onTwo = resolve));
    const listener = await unixEndpoint.listen?.(`unix:listen:${at('many')}`, {
      ...optionsFor('source'),
      onEndpoint: (endpoint) =>
        void readAll(endpoint).then(async (text) => {
          await endpoint.close();
          if (texts.push(text) === 2) onTwo();
        }),
    });
    expect(listener?.address).toBe(`unix:listen:${at('many')}`);
    for (const name of ['a', 'b']) connect(at('many')).end(name);
    await two;
    expect(texts.sort()).toEqual(['a', 'b']);
    await listener?.close();
    expect(existsSync(at('many'))).toBe(false);
    const dialling = unixEndpoint.listen?.(`unix:${at('many')}`, {
      ...optionsFor('source'),
      onEndpoint: () => undefined,
    });
    await expect(dialling).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  });
});
