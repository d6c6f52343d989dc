import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
// The snippets are no files, so rules that need their types cannot run; the fence needs none.
const eslint = new ESLint({ cwd: root, overrideConfig: tseslint.configs.disableTypeChecked });

const allLayers = 'commands ui app transfer session relay mux transport native config errors'.split(' ');
const layers = allLayers.filter((layer) => existsSync(join(root, 'src', layer)));
const pairs = layers.flatMap((above, at) => layers.slice(at + 1).map((below) => [above, below] as const));

async function rulesAgainst(path: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(root, path) });
  return result?.messages.map(({ ruleId, message }) => ruleId ?? message) ?? [];
}

function importOf(layer: string): string {
  const file = readdirSync(join(root, 'src', layer)).find(
    (name) => name.endsWith('.ts') && !name.endsWith('.d.ts'),
  );
  if (file === undefined) throw new Error(`no module in src/${layer}`);
  return `import '../${layer}/${file.replace(/ts$/, 'js')}';\n`;
}

describe('the fence between layers', () => {
  it.each(pairs)('lets %s import from %s and not the other way round', async (above, below) => {
    expect(await rulesAgainst(`src/${above}/probe.ts`, importOf(below))).toEqual([]);
    expect(await rulesAgainst(`src/${below}/probe.ts`, importOf(above))).toEqual([
      'import-x/no-restricted-paths',
    ]);
  });

  it('lets no layer import an entry of the package', async () => {
    const found = await rulesAgainst('src/transport/probe.ts', "import '../plugin.js';\n");
    expect(found).toContain('import-x/no-restricted-paths');
  });

  it('lets no two modules import each other', async () => {
    const found = await rulesAgainst(
      'src/errors/table.ts',
      "import { XferError } from './xfer-error.js';\nXferError;\n",
    );
    expect(found).toContain('import-x/no-cycle');
  });
});

describe('the fence around plugins', () => {
  it.each([
    ["import { XferError } from 'xfer';", 'no-restricted-imports'],
    ["import { pair } from 'xfer/compliance';", 'no-restricted-imports'],
    ["import { x } from 'xfer/dist/errors/index.js';", 'no-restricted-imports'],
    ["import { x } from '@xfer/udp';", 'no-restricted-imports'],
    ["import { XferError } from '../../../src/errors/index.js';", 'import-x/no-restricted-paths'],
  ])('refuses %s', async (code, rule) => {
    expect(await rulesAgainst('plugins/mux/src/probe.ts', `${code}\n`)).toContain(rule);
  });

  it("takes 'xfer/plugin'", async () => {
    const code = "import { XferError } from 'xfer/plugin';\nexport const a = XferError;\n";
    expect(await rulesAgainst('plugins/mux/src/probe.ts', code)).toEqual([]);
  });
});

describe('the fence around sans-IO cores', () => {
  const cores = [
    'src/mux/decode.ts',
    'src/session/handshake-core.ts',
    'src/transfer/probe-core.ts',
    'src/transport/token-bucket-core.ts',
  ];
  const snippets: ReadonlyArray<[code: string, rule: string]> = [
    ["import { connect } from 'node:net';\nexport const a = connect;", 'no-restricted-imports'],
    ['export const now = (): number => Date.now();', 'no-restricted-globals'],
    ['export const now = (): number => performance.now();', 'no-restricted-globals'],
    ['setTimeout(() => undefined, 1);', 'no-restricted-globals'],
    ['export const dice = (): number => Math.random();', 'no-restricted-syntax'],
    ['export const a = async (b: Promise<void>): Promise<void> => {\n  await b;\n};', 'no-restricted-syntax'],
    ['export const a = new Promise<void>((resolve) => resolve());', 'no-restricted-syntax'],
  ];
  const cases = cores.flatMap((path) => snippets.map(([code, rule]) => [path, code, rule] as const));

  it.each(cases)('refuses in %s: %s', async (path, code, rule) => {
    expect(await rulesAgainst(path, `${code}\n`)).toContain(rule);
  });

  it('refuses none of these to what drives a core', async () => {
    for (const [code] of snippets) expect(await rulesAgainst('src/mux/driver.ts', `${code}\n`)).toEqual([]);
  });
});

describe('comments', () => {
  it('switch no rule off', async () => {
    const code = '// eslint-disable-next-line no-var\nexport var a = 1;\n';
    expect(await rulesAgainst('src/errors/probe.ts', code)).toContain('no-var');
  });
});
