import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const manifest = JSON.parse(readFileSync(`${root}oclif.manifest.json`, 'utf8')) as {
  commands: Record<string, { flags: Record<string, unknown> }>;
};

/** Command to its flags, from the manifest; CI holds the manifest to the commands. */
const commands = new Map(
  Object.entries(manifest.commands).map(([id, { flags }]) => [
    id.replaceAll(':', ' '),
    Object.keys(flags).sort(),
  ]),
);

const section = (command: string): string =>
  new RegExp(`^### \`xfer ${command}[^]*?(?=^##)`, 'm').exec(readme)?.[0] ?? '';
const flagsIn = (text: string): string[] =>
  [...text.matchAll(/^\| `--([a-z-]+)/gm)].map(([, flag]) => flag ?? '').sort();

describe('the README', () => {
  it('opens with the two commands that everything must pass', () => {
    expect(readme).toContain('\nnpm ci && npx xfer send README.md local:/tmp/xfer-demo\n');
    expect(readme).toContain('\nnpm ci && npm test\n');
  });

  it.each(['send', 'recv', 'pipe', 'relay', 'doctor', 'bench'])(
    'lists the flags of %s, all of them and no other',
    (command) => {
      expect(commands.get(command)).toBeDefined();
      expect(flagsIn(section(command))).toEqual(commands.get(command));
    },
  );

  it('names every command, and none that is not there', () => {
    const named = new Set(
      [...readme.matchAll(/`xfer ([a-z]+(?: [a-z]+)?)/g)].map(([, words]) => words ?? ''),
    );
    expect([...named].sort()).toEqual([...commands.keys()].sort());
  });

  it('names no flag that is not there', () => {
    const flags = new Set([...commands.values()].flat());
    for (const [, flag] of readme.matchAll(/`--([a-z-]+)/g)) expect(flags).toContain(flag);
  });

  it('lists every event', () => {
    const source = readFileSync(`${root}src/app/events.ts`, 'utf8');
    const events = [...source.matchAll(/readonly event: '(\w+)'/g)].map(([, event]) => event).sort();
    const listed = [
      ...(/each with `event`:[^]*?\n\n[^|]/.exec(readme)?.[0] ?? '').matchAll(/^\| `(\w+)` /gm),
    ];
    expect(events.length).toBeGreaterThan(0);
    expect(listed.map(([, event]) => event).sort()).toEqual(events);
  });

  it('links only to pages that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? '');
    expect(links.length).toBeGreaterThan(0);
    for (const path of links) expect(existsSync(`${root}${path}`), path).toBe(true);
  });
});
