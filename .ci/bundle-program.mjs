// Writes the command line as one file, dist/program-DIGEST.js, with the small files that lead to it: dist/program.js, which
// runs it, one a command for oclif, and dist/plugin.js. Read file by file, half of a short transfer would be spent on
// loading modules; as one file it also has one place for V8's compiled code (bin/keep-code.js).
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** Of oclif's core no more is taken in than what commands use: its index loads all there is. */
const core = `
export { Command } from '@oclif/core/command';
export * as Args from '@oclif/core/args';
export * as Flags from '@oclif/core/flags';
`;

/** The binary of libsodium where it always is: to look for it as the package does takes twenty files and a tenth of a start. */
const sodiumBinding = `
const load = () => {
  try {
    return require('sodium-native/prebuilds/' + process.platform + '-' + process.arch + '/sodium-native.node');
  } catch {
    return require('sodium-native/binding.js');
  }
};
module.exports = load();
`;

/**
 * `commands` are paths in src/commands without ending; `isBundled(specifier, importer)` says which packages are taken in. Returns
 * esbuild's metafile.
 */
export async function bundleProgram(root, commands, isBundled) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents: entry(commands), resolveDir: join(root, 'src'), loader: 'ts' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    metafile: true,
    write: false,
    legalComments: 'none',
    define: { 'import.meta.url': 'moduleUrl' },
    plugins: [
      {
        name: 'what is taken in',
        setup({ onLoad, onResolve }) {
          onResolve({ filter: /^@oclif\/core$/ }, ({ importer }) =>
            importer.startsWith(join(root, 'src/')) ? { path: 'core', namespace: 'oclif' } : undefined,
          );
          onLoad({ filter: /^core$/, namespace: 'oclif' }, () => ({
            contents: core,
            resolveDir: join(root, 'src'),
          }));
          onLoad({ filter: /\/sodium-native\/binding\.js$/ }, () => ({ contents: sodiumBinding }));
          onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) =>
            kind === 'entry-point' || isBundled(path, importer) ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  const [{ text }] = outputFiles;
  // What is imported while it runs is imported by the file that runs it: a script of its own may not.
  const body = text.replace(/(?<![\w.$])import\((?!\))/g, 'importModule(');
  const wrapped = inAscii(`(function (module, exports, require, importModule, moduleUrl) {${body}\n})`);
  const dist = join(root, 'dist');
  for (const name of readdirSync(dist)) if (name.startsWith('program-')) rmSync(join(dist, name));
  const name = `program-${createHash('sha256').update(wrapped).digest('hex').slice(0, 12)}`;
  writeFileSync(join(dist, `${name}.js`), wrapped);
  await build({
    absWorkingDir: root,
    entryPoints: ['src/program.ts'],
    outdir: 'dist',
    format: 'esm',
    target: 'node20',
    define: { programName: JSON.stringify(name) },
  });
  for (const command of commands) {
    const file = join(dist, 'commands', `${command}.js`);
    const up = '../'.repeat(command.split('/').length);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      `import { commands } from '${up}program.js';\n\nexport default (await commands['${command}']()).default;\n`,
    );
  }
  return metafile;
}

/** One byte a character, as it is read: of expressions and templates esbuild leaves other characters as they are. */
function inAscii(code) {
  const escaped = /\\[^\0-\x7f]/.exec(code);
  if (escaped) throw new Error(`${escaped[0]} would become something else`);
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** dist/plugin.js: what the command line has where it runs, the same of the library where it does not. */
export function writePlugin(root, names) {
  const found = "globalThis[Symbol.for('xfer/plugin')] ?? (await import('./library/plugin.js'))";
  const list = names.map((name) => `  ${name},\n`).join('');
  writeFileSync(join(root, 'dist', 'plugin.js'), `export const {\n${list}} = ${found};\n`);
}

const entry = (commands) => `
export { run } from '@oclif/core/run';
export * as plugin from './plugin.js';
export const commands = {
${commands.map((command) => `  '${command}': () => import('./commands/${command}.js'),\n`).join('')}};
`;
