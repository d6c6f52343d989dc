import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import type { Endpoint, EndpointUse } from '../../../src/pipe/endpoint.js';
import { EndpointRegistry } from '../../../src/pipe/endpoint-registry.js';
import { fileEndpoints } from '../../../src/pipe/file-endpoint.js';
import { allOf, describeDescriptors, fifo, pattern, temporaryDirectory } from './descriptor-kit.js';

describeDescriptors('a file: endpoint', ({ name, native }) => {
  const kind = () => fileEndpoints(native).load();
  const opened = async (url: string, use: EndpointUse, signal = new AbortController().signal) =>
    (await kind()).open(url, { use, signal, onNote: () => undefined });
  const sourceOf = ({ source }: Endpoint) => (source?.kind === 'bytes' ? source : expect.unreachable());
  const sinkOf = ({ sink }: Endpoint) => (sink?.kind === 'bytes' ? sink : expect.unreachable());
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'none',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );

  it('gives what a file has, from the beginning to the end', async () => {
    const path = join(temporaryDirectory(), 'a file%20of ours');
    writeFileSync(path, pattern(300_001));
    for (const url of [`file:${path}`, `file://${path}`]) {
      const endpoint = await opened(url, 'source');
      expect(endpoint.label).toBe(`file:${path}`);
      expect((await allOf(sourceOf(endpoint), 100_000)).equals(pattern(300_001))).toBe(true);
      await endpoint.close();
      await endpoint.close();
    }
  });

  it('makes a file that has what was written, with the mode of any new file', async () => {
    const path = join(temporaryDirectory(), 'new');
    const endpoint = await opened(`file:${path}`, 'sink');
    const sink = sinkOf(endpoint);
    await sink.write(pattern(200_000));
    await sink.write(Buffer.from('end'));
    await sink.end();
    await endpoint.close();
    expect(readFileSync(path).equals(Buffer.concat([pattern(200_000), Buffer.from('end')]))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(
      0o666 & ~parseInt(execFileSync('sh', ['-c', 'umask']).toString(), 8),
    );
  });

  it('empties a file that is there', async () => {
    const path = join(temporaryDirectory(), 'old');
    writeFileSync(path, 'what was there before');
    const endpoint = await opened(`file:${path}`, 'sink');
    await sinkOf(endpoint).write(Buffer.from('new'));
    await sinkOf(endpoint).end();
    expect(readFileSync(path, 'utf8')).toBe('new');
    await endpoint.close();
  });

  it('does not empty a file that it reads, under whatever name', async () => {
    const directory = temporaryDirectory();
    const [path, other] = [join(directory, 'file'), join(directory, 'other')];
    writeFileSync(path, 'content');
    symlinkSync(path, other);
    const source = await opened(`file:${path}`, 'source');
    for (const url of [`file:${path}`, `file:${other}`])
      await expect(opened(url, 'sink')).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
    expect(readFileSync(path, 'utf8')).toBe('content');
    for (let i = 0; i < 2; i++) await source.close();
    const sink = await opened(`file:${other}`, 'sink');
    await sinkOf(sink).end();
    await sink.close();
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('waits for the writer of a FIFO, and ends with it', async () => {
    const path = fifo();
    const endpoint = await opened(`file:${path}`, 'source');
    const read = allOf(sourceOf(endpoint));
    const child = spawn('sh', ['-c', `printf 'one '; printf two`], { stdio: ['ignore', 'pipe', 'ignore'] });
    const writer = spawn('sh', ['-c', `cat > '${path}'`], { stdio: [child.stdout, 'ignore', 'ignore'] });
    await once(writer, 'exit');
    expect((await read).toString()).toBe('one two');
    await endpoint.close();
  });

  it('ends a read that waits for a writer when it is stopped', async () => {
    const endpoint = await opened(`file:${fifo()}`, 'source');
    const read = sourceOf(endpoint).read(Buffer.alloc(10));
    sourceOf(endpoint).stop();
    expect(await read).toBe(0);
    await endpoint.close();
  });

  it('waits for the reader of a FIFO, as long as it may', async () => {
    const path = fifo();
    const opening = opened(`file:${path}`, 'sink');
    const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    reader.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
    const endpoint = await opening;
    await sinkOf(endpoint).write(Buffer.from('for the reader'));
    await sinkOf(endpoint).end();
    await once(reader, 'close');
    expect(text).toBe('for the reader');
    await endpoint.close();

    const waiting = new AbortController();
    const never = opened(`file:${path}`, 'sink', waiting.signal);
    setImmediate(() => waiting.abort(new Error('enough')));
    await expect(never).rejects.toThrow('enough');
  });

  it('is a broken pipe where the reader of a FIFO goes', async () => {
    const path = fifo();
    const opening = opened(`file:${path}`, 'sink');
    const reader = spawn('sh', ['-c', `head -c 1 '${path}' > /dev/null`], { stdio: 'ignore' });
    const sink = sinkOf(await opening);
    expect(await codeOf(sink.write(Buffer.alloc(4 * 2 ** 20)))).toBe('ERR_XFER_BROKEN_PIPE');
    if (reader.exitCode === null) await once(reader, 'exit');
    sink.abort(new XferError('ERR_XFER_INTERRUPTED', 'enough'));
  });

  it('may be a device', async () => {
    const zero = await opened('file:/dev/zero', 'source');
    expect(await sourceOf(zero).read(Buffer.alloc(1000))).toBe(1000);
    await zero.close();
    const full = await opened('file:/dev/full', 'sink');
    expect(await codeOf(sinkOf(full).write(Buffer.alloc(1000)))).toBe('ERR_XFER_NO_SPACE');
    await full.close();
  });

  it('refuses directories, what is not there and what may not be opened, each with its code', async () => {
    const directory = temporaryDirectory();
    for (const use of ['source', 'sink'] as const)
      expect(await codeOf(opened(`file:${directory}`, use))).toBe('ERR_XFER_IS_DIRECTORY');
    expect(await codeOf(opened(`file:${directory}/none`, 'source'))).toBe('ERR_XFER_NOT_FOUND');
    expect(await codeOf(opened(`file:${directory}/none/file`, 'sink'))).toBe('ERR_XFER_NOT_FOUND');
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(opened(`file:${directory}/new`, 'sink', aborted)).rejects.toThrow('enough');
  });

  it.each([
    ['file:', 'source'],
    ['file:///', 'both'],
    ['file:/tmp/x', 'both'],
    ['file://host/path', 'source'],
    ['file:a\0b', 'sink'],
  ] as const)('%j is no place for %s', async (url, use) => {
    const { check } = await kind();
    expect(() => check(url, use)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error);
  });

  it('is taken by the registry', async () => {
    const registry = new EndpointRegistry();
    registry.add(fileEndpoints(native), name);
    expect(registry.schemeOf('file:x')).toBe('file');
    expect(await registry.kindOf('file:x')).toHaveProperty('open');
  });

  it('leaves no descriptor open', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'file');
    const openPaths = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
        } catch {
          return false;
        }
      });
    for (let i = 0; i < 5; i++) {
      const sink = await opened(`file:${path}`, 'sink');
      await sinkOf(sink).write(pattern(100_000));
      await sinkOf(sink).end();
      await sink.close();
      const source = await opened(`file:${path}`, 'source');
      await sourceOf(source).read(Buffer.alloc(10));
      await source.close();
      await codeOf(opened(`file:${directory}`, 'source'));
    }
    expect(openPaths()).toEqual([]);
  });
});
