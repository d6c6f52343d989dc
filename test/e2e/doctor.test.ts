import { describe, expect, it } from 'vitest';
import { runXfer } from '../support/run-xfer.js';

interface FindingLine {
  readonly event: string;
  readonly subject: string;
  readonly state: string;
  readonly detail: string;
}

const lines = (stdout: string): FindingLine[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FindingLine);

describe('xfer doctor', () => {
  it('has a finding for Node, the addon and every transport, and exits with 0', async () => {
    const { status, stdout, stderr } = await (await runXfer(['doctor', '--json'])).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const found = lines(stdout);
    expect(found.every(({ event }) => event === 'finding')).toBe(true);
    expect(found.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['node', 'sealing', 'transport tcp', 'transport ws']),
    );
    for (const name of ['node', 'transport tcp', 'transport ws'])
      expect(found.find(({ subject }) => subject === name)?.state).toBe('ok');
  });

  it('says what is slower without the addon, which is no failure', async () => {
    const env = { XFER_NATIVE: 'off' };
    const { status, stdout } = await (await runXfer(['doctor', '--json'], { env })).ended;
    expect(status).toBe(0);
    expect(lines(stdout).find(({ subject }) => subject === 'sealing')).toMatchObject({
      state: 'slower',
      remedy: 'unset XFER_NATIVE',
    });
  });

  it('prints lines for people on stdout, with --quiet those alone that are not ok', async () => {
    const env = { XFER_NATIVE: 'off' };
    const all = await (await runXfer(['doctor'], { env })).ended;
    expect(all.stdout).toMatch(/^ok {7}node {12}Node \d+\.\d+\.\d+ on \w+ \w+, .*\nslower {3}sealing/);
    expect(all.stdout).toMatch(/^ {25}try: unset XFER_NATIVE$/m);
    expect(all.stdout).toMatch(/^ok {7}transport tcp {3}tcp:\/\/ /m);
    expect(all.stderr).toBe('');
    const few = await (await runXfer(['doctor', '-q'], { env })).ended;
    expect(few.status).toBe(0);
    expect(few.stdout).toMatch(/^slower {3}sealing/);
    expect(few.stdout).not.toMatch(/^(ok|none)/m);
  });
});
