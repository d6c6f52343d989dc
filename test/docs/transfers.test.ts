import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bottleneckOf, type Bottleneck } from '../../src/transfer/bottleneck.js';
import { doneLine } from '../../src/ui/sentences.js';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('transfers.md', docs), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../oclif.manifest.json', docs), 'utf8')) as {
  commands: Record<string, { flags: Record<string, unknown> }>;
};

/** The words are those of the type, or this does not compile. */
const words: Readonly<Record<Bottleneck, true>> = {
  source: true,
  seal: true,
  network: true,
  open: true,
  disk: true,
  limit: true,
  none: true,
};

/** Without the head of the table. */
const verdicts = [...page.matchAll(/^\| `(\w+)` +\| (.*?) *\|/gm)]
  .slice(1)
  .map(([, word = '', line = '']) => [word, line]);

describe('docs/transfers.md', () => {
  it('names no flag that is not there', () => {
    const flags = new Set(Object.values(manifest.commands).flatMap((command) => Object.keys(command.flags)));
    const named = [...page.matchAll(/`(?:xfer recv )?--([a-z-]+)/g)].map(([, flag]) => flag);
    expect(named.length).toBeGreaterThan(20);
    for (const flag of named) expect(flags).toContain(flag);
  });

  it('links only to pages that are there', () => {
    for (const [, path = ''] of page.matchAll(/\]\((?!https?:)([^)#]+)/g))
      expect(existsSync(new URL(path, docs)), path).toBe(true);
  });

  it('has every verdict, and the words in which people read it', () => {
    expect(verdicts.map(([word]) => word)).toEqual(Object.keys(words));
    for (const [bottleneck, shown] of verdicts) {
      const line = doneLine({
        event: 'done',
        role: 'send',
        peer: 'p',
        bytes: 1,
        files: 1,
        seconds: 1,
        lanes: 1,
        transport: 'tcp',
        transports: {},
        path: 'direct',
        bottleneck: bottleneck as Bottleneck,
      });
      expect(line.split('), ').at(1) ?? '').toBe(shown);
    }
  });

  it('tells from when on a wait limits anything', () => {
    const waits = { source: 0, seal: 0, network: 0, window: 0, readMs: 0, sealMs: 0, loopMs: 0 };
    const receiver = { heldMs: 0, openMs: 0, writeMs: 0, loopMs: 0 };
    const of = (limit: number, totalMs: number) => bottleneckOf({ ...waits, limit, totalMs }, receiver);
    expect([of(100, 1000), of(99, 1000), of(50, 100), of(49, 100)]).toEqual([
      'limit',
      'none',
      'limit',
      'none',
    ]);
  });
});
