import { expect, it } from 'vitest';
import { cipher, recordLayout } from '../../src/native/api.js';
import { describeAddon, describeBoth } from './implementations.js';
import { runScript } from './run-script.js';
import { openFile, pattern, sealFile, temporaryFile } from './seal-jobs.js';

describeAddon('a process that ends with work in flight', () => {
  it.each([
    ['wait', { status: 0, stdout: 'all completed\n', stderr: '' }],
    ['exit', { status: 3, signal: null, stderr: '' }],
    ['exit-in-callback', { status: 4, signal: null, stderr: '' }],
    ['throw', { status: 1, signal: null }],
    ['throw-in-callback', { status: 1, signal: null }],
    ['caught-throws', { status: 0, stdout: '520 caught\n' }],
    ['kill', { status: null, signal: 'SIGTERM' }],
  ])('%s', async (way, expected) => {
    const ended = await runScript('exit.cjs', [way]);
    expect(ended, ended.stderr).toMatchObject(expected);
  });
});

describeAddon('the addon', () => {
  it('is safe in worker threads that come and go', async () => {
    expect(await runScript('workers.cjs')).toEqual({
      status: 0,
      signal: null,
      stdout: 'all ended\n',
      stderr: '',
    });
  });

  it('keeps buffers alive while their jobs run, and lets go of them after', async () => {
    const ended = await runScript('gc.cjs', [], ['--expose-gc']);
    expect(ended).toEqual({ status: 0, signal: null, stdout: 'collected\n', stderr: '' });
  });
});

describeBoth('10,000 jobs at once', ({ seal, files }) => {
  it('each complete exactly once, with their own result', async () => {
    const jobs = 10_000;
    const key = pattern(32);
    const header = pattern(32);
    const source = temporaryFile(pattern(jobs));
    const target = temporaryFile(Buffer.alloc(0));
    const one = async (i: number): Promise<number> => {
      const key1 = { cipher: cipher.aes256gcm, key, counter: i };
      const record = new Uint8Array(recordLayout.overheadBytes + 1);
      await sealFile(seal, { ...key1, fd: source.fd, position: i, bodyBytes: 1, header, out: record });
      return openFile(seal, { ...key1, record, fd: target.fd, position: i });
    };
    const results = await Promise.all(Array.from({ length: jobs }, (_, i) => one(i)));
    expect(results.every((n) => n === 1)).toBe(true);
    expect(target.content().equals(source.content())).toBe(true);
    const root = await files.openRoot('/');
    const kinds = await Promise.all(Array.from({ length: jobs }, () => files.kindOf(root, 'proc')));
    expect(kinds.filter((kind) => kind === 'directory')).toHaveLength(jobs);
    await files.close(root);
  });
});
