import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Middle } from '../support/middle.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { notesOf } from '../support/transfer.js';

const words = 'read by nobody on the way. ';
const content = words.repeat(50_000);
const told =
  'content goes sealed in spite of --trust-fabric: tcp is no fabric; where one joins, what goes over it is not sealed';

it('what goes over tcp stays sealed although both sides trust fabrics, and both say so once', async () => {
  const work = await temporaryDirectory();
  const [source, out] = [join(work, 'file'), join(work, 'out')];
  await writeFile(source, content);
  const { recv, address, code } = await startReceiver(out, { flags: ['--once', '--trust-fabric'] });
  let seen = Buffer.alloc(0);
  const middle = await Middle.open(address, (unit) => {
    seen = Buffer.concat([seen, unit]);
    return { units: [unit] };
  });
  onTestFinished(() => middle.close());
  const flags = ['--json', '--trust-fabric', '--compress', 'off', '--lanes', '1'];
  const send = await runXfer(['send', source, middle.address, ...flags], { env: { XFER_CODE: code } });
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
  expect(await readFile(join(out, 'file'), 'utf8')).toBe(content);
  expect(seen.length).toBeGreaterThan(content.length);
  expect(seen.includes(words)).toBe(false);
  for (const ended of [sent, received]) {
    expect(notesOf(ended).filter((note) => note === told)).toEqual([told]);
    for (const event of ended.events) expect(event).not.toHaveProperty('sealed');
  }
});
