import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { benchShow, type ShowFlags } from '../../../src/ui/bench-show.js';
import { tableStyle } from '../../../src/ui/table-style.js';
import { feed, fileContestants, fileWork } from '../../support/bench-feed.js';

/** What stands in for a terminal, or a pipe, and all that was written to it. */
function output(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 30 });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

afterEach(() => void vi.unstubAllEnvs());

const works = [[fileWork, fileContestants.slice(0, 2)] as const];
const style = tableStyle({ json: false }, { isTTY: false }, {});

/** A bench of two passes of which the second is tried twice, a table at the end of each. */
async function shown(flags: Partial<ShowFlags>, isTTY: boolean, env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [output(isTTY), output(isTTY)];
  const outputs = { stdout: stdout.stream, stderr: stderr.stream, env };
  const show = await benchShow({ json: false, quiet: false, ...flags }, outputs);
  for (const pass of [1, 2]) {
    show.onPass(pass);
    if (pass === 2) show.onFailed(new XferError('ERR_XFER_CONNECTION_LOST', 'it\u001b[2J went away'));
    show.onSkipped({
      name: 'mbuffer',
      code: 'ERR_XFER_NO_TRANSPORT',
      reason: 'it is not here',
      remedy: 'none',
    });
    await feed(show, { rounds: 2, steps: 2, works });
    show.print(`table of pass ${pass}`);
  }
  const meanwhile = stdout.text();
  show.close();
  show.close();
  show.print('the end');
  return { meanwhile, stdout: stdout.text(), stderr: stderr.text(), passes: show.passes(style) };
}

describe('what is seen of a bench while it runs', () => {
  it('is lines where there is no terminal: works, rows, and what is skipped', async () => {
    const { stdout, stderr, passes } = await shown({}, false);
    expect(stdout).toBe('table of pass 1\ntable of pass 2\nthe end\n');
    const lines = stderr.split('\n');
    expect(lines[0]).toBe('pass 1');
    expect(lines[1]).toBe('skipped mbuffer: it is not here (ERR_XFER_NO_TRANSPORT)');
    expect(lines[2]).toBe('file 256 MiB: tcp, udp, 2 rounds');
    expect(lines.filter((line) => line.startsWith('file 256 MiB  '))).toHaveLength(4);
    expect(stderr).toContain('this pass has failed: it\\u{1b}[2J went away (ERR_XFER_CONNECTION_LOST)');
    expect(stderr).not.toContain('\u001b');
    expect(passes).toMatch(/^tcp +\d/m);
  });

  it.each([{ json: true }, { quiet: true }, { isForPrograms: true }])('is nothing with %j', async (flags) => {
    const { stdout, stderr } = await shown(flags, true);
    expect(stderr).toBe('');
    expect(stdout).toBe('table of pass 1\ntable of pass 2\nthe end\n');
  });

  it.each([{ TERM: 'dumb' }, { CI: 'true' }])('is lines on a terminal with %j', async (env) => {
    expect((await shown({}, true, env)).stderr).toContain('file 256 MiB: tcp, udp, 2 rounds\n');
  });

  it('is pictures on a terminal, below which nothing is written, and of which nothing stays', async () => {
    // ink asks this process itself whether it is in CI, as soon as it is loaded.
    for (const name of ['CI', 'CONTINUOUS_INTEGRATION']) vi.stubEnv(name, 'false');
    const { meanwhile, stdout, stderr } = await shown({}, true, { TERM: 'xterm' });
    expect(meanwhile).toBe('');
    expect(stdout).toBe('table of pass 2\nthe end\n');
    expect(stripVTControlCharacters(stderr)).toContain('xfer bench · getting ready');
    // Everything that was drawn is erased, and the cursor is shown again, which is the last that is written.
    expect(stderr.endsWith('\u001b[?25h')).toBe(true);
    expect(stderr.lastIndexOf('\u001b[2K')).toBeGreaterThan(stderr.lastIndexOf('xfer bench'));
  });
});
