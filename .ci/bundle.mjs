// Writes the JavaScript of dist/: the command line (bundle-program.mjs) and each import of the package, with what they share
// in chunks, and the small libraries that every transfer needs in them. Types, and the check of them, are the compiler's.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleProgram, writePlugin } from './bundle-program.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Taken in; all other packages are imported as they are. */
const bundled = ['@noble/curves', '@noble/hashes', 'cborg', 'valibot'];
/** Taken into the command line, with all that they need. */
const programs = [...bundled, '@oclif/core', 'cli-progress', 'ignore', 'listr2', 'noise-handshake'];
/** What only development has, is asked for its place, or has binaries beside it. */
const never = [
  'typescript',
  'ts-node',
  'tsx',
  'pnpapi',
  'semver',
  'sodium-native/binding.js',
  '@oclif/core/package.json',
];
const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  splitting: true,
  metafile: true,
};
/** `scope/name` or `name` of a bare import. */
const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const others = {
  name: 'other packages are imported',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || bundled.includes(packageOf(path)) ? undefined : { path, external: true },
    ),
};

const program = await bundleProgram(root, commands(), (path, importer) => {
  if ([path, packageOf(path)].some((name) => never.includes(name))) return false;
  return programs.includes(packageOf(path)) || importer.includes('/node_modules/');
});
const { metafile } = await build({
  ...shared,
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/plugin.ts', out: 'library/plugin' },
    ...[
      'index',
      'compliance',
      'native/index',
      'native/api',
      'native/record-codec',
      'native/udp',
      'native/fabric',
      'bench/link/open-link',
      'bench/link/lack',
    ].map((name) => ({ in: `src/${name}.ts`, out: name })),
  ],
  outdir: 'dist',
  // As deep as the sources are, so that what they find beside them is found from there, too.
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  plugins: [others],
});
removeStale('dist/chunks', metafile);
writePlugin(root, metafile.outputs['dist/library/plugin.js'].exports);
const inputs = [metafile, program].flatMap((made) => Object.keys(made.inputs));
writeFileSync(join(root, 'dist', 'THIRD-PARTY.txt'), licences(inputs));

for (const plugin of readdirSync(join(root, 'plugins'))) {
  const directory = join(root, 'plugins', plugin);
  if (!existsSync(join(directory, 'package.json'))) continue;
  // One by one: what the hook shares with the rest would be files that each start has to open.
  const outputs = {};
  for (const entry of ['src/index.ts', 'src/hook.ts']) {
    const built = await build({
      ...shared,
      absWorkingDir: directory,
      entryPoints: [entry],
      outdir: 'dist',
      chunkNames: 'chunks/[name]-[hash]',
      plugins: [others],
    });
    Object.assign(outputs, built.metafile.outputs);
  }
  removeStale('dist/chunks', { outputs }, directory);
}

function commands() {
  const { globPatterns } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).oclif.commands;
  const helpers = new Set(globPatterns.filter((name) => name.startsWith('!')).map((name) => name.slice(1)));
  return readdirSync(join(root, 'src/commands'), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !helpers.has(name.replace(/ts$/, 'js')))
    .map((name) => name.replace(/\.ts$/, ''));
}

/** Chunks of earlier builds. */
function removeStale(chunks, { outputs }, directory = root) {
  if (!existsSync(join(directory, chunks))) return;
  for (const name of readdirSync(join(directory, chunks)))
    if (!(`${chunks}/${name}` in outputs)) rmSync(join(directory, chunks, name));
}

/** What the licences of the libraries in there ask for: their names and texts. */
function licences(inputs) {
  const names = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  const texts = [...names].sort().map((name) => {
    const directory = join(root, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence text`);
    return `${name} ${version}\n\n${readFileSync(join(directory, file), 'utf8').trim()}\n`;
  });
  return `Parts of these libraries are in the files of this directory.\n\n${texts.join(`\n${'-'.repeat(78)}\n\n`)}`;
}
