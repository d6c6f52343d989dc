import { mkdir, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startLocalReceiver } from '../../src/app/local-receiver.js';
import { chosen } from '../support/campaign.js';
import { makeCanary, type Canary } from '../support/canary.js';
import { brokenTexts, hostileOffers, hostileTargets } from '../support/hostile-names.js';
import { content, directory, file, HostileSender, link } from '../support/hostile-sender.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { hasTerminal, runInTerminal } from '../support/terminal.js';

/** For receivers that serve many transfers. */
const code = 'a-code-that-the-user-chose';
/** What a terminal, a log or a line protocol would act upon, but for what ends a line. */
const raw = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const natives = [
  ['native', undefined],
  ['the twin', 'off'],
] as const;

interface Mode {
  readonly output: 'a directory that is named' | 'the current directory' | 'one that is made';
  readonly view: '--json' | '--quiet' | 'lines';
  readonly native: 'native' | 'the twin';
}

/** Every way to name the output, with every view, on both implementations of safe writing. */
const modes: readonly Mode[] = [
  { output: 'a directory that is named', view: '--json', native: 'native' },
  { output: 'the current directory', view: 'lines', native: 'native' },
  { output: 'one that is made', view: '--quiet', native: 'native' },
  { output: 'a directory that is named', view: 'lines', native: 'the twin' },
  { output: 'the current directory', view: '--quiet', native: 'the twin' },
  { output: 'one that is made', view: '--json', native: 'the twin' },
];

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A receiver that goes on, and a sender that has its code. */
async function serve(mode: Mode, canary: Canary): Promise<{ recv: XferRun; sender: HostileSender }> {
  if (mode.output === 'one that is made') await rm(canary.root, { recursive: true });
  const port = await freePort();
  const address = `tcp://127.0.0.1:${port}`;
  const recv = await runXfer(
    [
      'recv',
      ...(mode.output === 'the current directory' ? [] : [canary.root]),
      ...['--listen', address],
      ...(mode.view === 'lines' ? [] : [mode.view]),
    ],
    {
      cwd: mode.output === 'the current directory' ? canary.root : canary.base,
      env: { XFER_CODE: code, XFER_NATIVE: mode.native === 'native' ? undefined : 'off' },
      timeoutMs: 60_000,
    },
  );
  const sender = await HostileSender.open(address, code);
  onTestFinished(() => sender.close());
  // With --quiet and a chosen code a receiver says nothing when it is ready.
  await vi.waitFor(() => sender.reach(), { timeout: 15_000, interval: 50 });
  return { recv, sender };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Address and code that a receiver printed, whatever the view. */
function findOffer({ stdout, stderr }: XferRun): readonly [address: string, code: string] {
  const said = /(tcp:\/\/127\.0\.0\.1:\d+)[^]*?(\d{4,}(?:-[a-z]+){3,})/.exec(`${stdout}${stderr}`);
  if (!said) throw new Error('it does not listen yet');
  return [said[1] ?? '', said[2] ?? ''];
}

/** Nothing half written remains, and each file there is whole. */
async function expectNothingHalf(canary: Canary): Promise<void> {
  await expect
    .poll(async () => (await canary.received()).filter((path) => path.includes('.xfer-')))
    .toEqual([]);
  for (const path of await canary.received()) {
    const whole = join(canary.root, path);
    const found = await stat(whole).catch(() => undefined);
    if (found?.isFile()) expect(await readFile(whole, 'utf8')).toBe(content);
  }
}

describe('the list of hostile names', () => {
  // Every output, every view and both implementations; each with each where everything is tried.
  it.each(
    chosen(
      modes,
      [0, 1, 2, 4].flatMap((at) => modes[at] ?? []),
    ),
  )('is refused: into $output, $view, $native', { timeout: 60_000 }, async (mode) => {
    const canary = await makeCanary(await temporaryDirectory());
    const before = await canary.picture();
    const { recv, sender } = await serve(mode, canary);
    const answers: string[] = [];
    for (const { line, batches } of hostileOffers) {
      const { refusal } = await sender.offer(...batches);
      answers.push(`${line}: ${refusal ?? 'committed'}`);
    }
    expect(answers).toEqual(hostileOffers.map(({ line }) => `${line}: ERR_XFER_HOSTILE_NAME`));
    for (const { batches } of brokenTexts)
      expect(await sender.offer(...batches)).toMatchObject({ refusal: 'ERR_XFER_PROTOCOL' });
    await expectNothingHalf(canary);
    const kept = await canary.received();
    // Of two batches the first may stand; of a single one nothing does.
    expect(kept.filter((path) => !/^[Pp]air-/.test(path))).toEqual([]);

    expect((await sender.offer([file('honest')])).refusal).toBeUndefined();
    expect(await readFile(join(canary.root, 'honest'), 'utf8')).toBe(content);
    expect(await canary.picture()).toEqual(before);
    const { stdout, stderr, status } = await recv.kill('SIGINT');
    expect(status).toBe(130);
    expect(`${stdout}${stderr}`).not.toMatch(raw);
    expect(`${stdout}${stderr}`).not.toMatch(/^\s+at /m);
    if (mode.view === '--quiet') expect(stdout).toBe('');
    else expect(`${stdout}${stderr}`).toMatch(/has text that is no UTF-8[^]*byte order mark/);
    if (mode.view === 'lines') expect(stdout).toBe('');
    if (mode.view === 'lines')
      expect(stderr.match(/^note: refused the name /gm)?.length).toBe(hostileOffers.length);
    const lines = stdout.split('\n').filter((line) => line !== '');
    if (mode.view === '--json')
      for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  const onceModes = natives.flatMap(([name, native]) =>
    (['--json', '--quiet', 'lines'] as const).map((view) => ({ name, native, view })),
  );

  it.each(
    chosen(
      onceModes,
      onceModes.filter(({ view, native }) => (view === '--quiet') === (native === undefined)),
    ),
  )('ends a receiver with --once by exit 4, in words of its own: $view, $name', async (mode) => {
    for (const path of ['../outside/new', 'a\n\u001b[2Jb']) {
      const canary = await makeCanary(await temporaryDirectory());
      const before = await canary.picture();
      const views = mode.view === 'lines' ? [] : [mode.view];
      const recv = await runXfer(['recv', canary.root, '--listen', 'tcp://127.0.0.1:0', '--once', ...views], {
        env: { XFER_NATIVE: mode.native },
      });
      const [address, made] = await vi.waitFor(() => findOffer(recv), { timeout: 15_000, interval: 20 });
      const sender = await HostileSender.open(address, made);
      expect((await sender.offer([file('good'), file(path)])).refusal).toBe('ERR_XFER_HOSTILE_NAME');
      await sender.close();
      const { status, stdout, stderr } = await recv.ended;
      expect(status).toBe(4);
      if (mode.view === '--json')
        expect(await recv.event('error')).toMatchObject({ code: 'ERR_XFER_HOSTILE_NAME', exit: 4 });
      else expect(stderr).toContain('xfer: refused the name "');
      expect(`${stdout}${stderr}`).not.toMatch(raw);
      expect(await canary.received()).toEqual([]);
      expect(await canary.picture()).toEqual(before);
    }
  });

  it.skipIf(!hasTerminal)('never acts on a terminal (needs script of util-linux)', async () => {
    for (const [name, act] of [
      ['a\u001b[2Jb', '\u001b[2J'],
      ['a\u009b2Jb', '\u009b'],
      ['a\r\nxfer: all is well', '\nxfer: all is well'],
      ['a\u202eb', '\u202e'],
    ] as const) {
      const canary = await makeCanary(await temporaryDirectory());
      const recv = await runInTerminal(['recv', canary.root, '--listen', 'tcp://127.0.0.1:0', '--once']);
      const [address, made] = await vi.waitFor(() => findOffer(recv), { timeout: 15_000, interval: 20 });
      const sender = await HostileSender.open(address, made);
      expect((await sender.offer([file(name)])).refusal).toBe('ERR_XFER_HOSTILE_NAME');
      await sender.close();
      const { status, stdout } = await recv.ended;
      expect(status).toBe(4);
      expect(stdout).toContain('refused the name "a\\u{');
      expect(stdout).not.toContain(act);
      expect(await canary.received()).toEqual([]);
    }
  });

  it.each(natives)('is refused by the receiver that a sender starts for local:DIR: %s', async (_, native) => {
    vi.stubEnv('XFER_NATIVE', native);
    // One of each line: every one takes a receiver of its own.
    const firstOfLine = new Map(hostileOffers.toReversed().map((offer) => [offer.line, offer]));
    const canary = await makeCanary(await temporaryDirectory());
    const before = await canary.picture();
    const home = await temporaryDirectory();
    for (const { batches } of [...firstOfLine.values()].filter((_one, i) => i % 6 === 0)) {
      const receiver = await startLocalReceiver(canary.root, home);
      onTestFinished(() => receiver.stop());
      const sender = await HostileSender.open(receiver.address, receiver.code);
      expect((await sender.offer(...batches)).refusal).toBe('ERR_XFER_HOSTILE_NAME');
      await sender.close();
    }
    await expectNothingHalf(canary);
    expect(await canary.picture()).toEqual(before);
  });
});

describe.each(natives)('links, %s', (_, native) => {
  const mode: Mode = {
    output: 'a directory that is named',
    view: '--json',
    native: native === 'off' ? 'the twin' : 'native',
  };

  it('that lead out are left out one by one, and the rest is committed', async () => {
    const canary = await makeCanary(await temporaryDirectory());
    const before = await canary.picture();
    const { recv, sender } = await serve(mode, canary);
    const links = hostileTargets.map((target, i) => link(`link-${i}`, target));
    const { refusal, leftOut } = await sender.offer([
      ...links,
      directory('dir'),
      file('dir/file'),
      link('inside', 'dir/file'),
    ]);
    expect(refusal).toBeUndefined();
    expect(leftOut).toHaveLength(hostileTargets.length);
    expect(await canary.received()).toEqual(['dir', 'dir/file', 'inside']);
    expect(await readlink(join(canary.root, 'inside'))).toBe('dir/file');
    expect(await canary.picture()).toEqual(before);
    const notes = recv.events.filter((event) => event.event === 'note');
    expect(notes).toHaveLength(hostileTargets.length);
    expect(recv.stdout).not.toMatch(raw);
  });

  it('that stand in the destination already lead nothing out', async () => {
    const canary = await makeCanary(await temporaryDirectory());
    await symlink('../outside', join(canary.root, 'parent'));
    await symlink(canary.outside, join(canary.root, 'absolute'));
    await symlink('../outside/file', join(canary.root, 'leaf'));
    await symlink('../outside/none', join(canary.root, 'dangling'));
    await mkdir(join(canary.root, 'real'));
    const before = await canary.picture();
    const { sender } = await serve(mode, canary);
    const offers = ['parent', 'absolute'].flatMap((name) => [
      [file(`${name}/new`)],
      [file(`${name}/deep/new`)],
      [directory(name), file(`${name}/new`)],
      [directory(`${name}/deep`)],
      [directory(`${name}/made`)],
      [link(`${name}/link`, 'new')],
      [file(`${name}/file`)],
    ]);
    for (const offer of [...offers, [directory('leaf')], [directory('dangling')]]) {
      const { refusal } = await sender.offer(offer);
      expect(refusal, JSON.stringify(offer)).toMatch(/^ERR_XFER_(?:NOT_DIRECTORY|LOCAL_IO|NOT_FOUND)$/);
    }
    // A file takes the place of a link, never of what it leads to.
    expect((await sender.offer([file('leaf'), file('dangling'), file('real/new')])).refusal).toBeUndefined();
    for (const name of ['leaf', 'dangling', 'real/new'])
      expect(await readFile(join(canary.root, name), 'utf8')).toBe(content);
    expect((await readdir(canary.root)).sort()).toEqual(['absolute', 'dangling', 'leaf', 'parent', 'real']);
    expect(await canary.picture()).toEqual(before);
  });
});
