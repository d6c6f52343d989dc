// Writes the JavaScript of dist/: each command and each import of the package, with what they share in chunks, and the
// small libraries that every transfer needs in them. Read file by file, a third of a short transfer would be spent on
// loading modules. Types, and the check of them, are the compiler's.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Taken in; all other packages are imported as they are. */
const bundled = ['@noble/curves', '@noble/hashes', 'cborg', 'valibot'];
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

const { metafile } = await build({
  ...shared,
  absWorkingDir: root,
  entryPoints: [
    ...commands(),
    ...[
      'index',
      'plugin',
      'compliance',
      'native/index',
      'native/api',
      'native/record-codec',
      'native/udp',
      'native/fabric',
      'bench/link/open-link',
      'bench/link/lack',
    ].map((name) => `src/${name}.ts`),
  ],
  outbase: 'src',
  outdir: 'dist',
  // As deep as the sources are, so that what they find beside them is found from there, too.
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  plugins: [others],
});
removeStale('dist/chunks', metafile);
writeFileSync(join(root, 'dist', 'THIRD-PARTY.txt'), licences(Object.keys(metafile.inputs)));

for (const plugin of readdirSync(join(root, 'plugins'))) {
  const directory = join(root, 'plugins', plugin);
  if (!existsSync(join(directory, 'package.json'))) continue;
  const built = await build({
    ...shared,
    absWorkingDir: directory,
    entryPoints: ['src/index.ts', 'src/hook.ts'],
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    plugins: [others],
  });
  removeStale('dist/chunks', built.metafile, directory);
}

function commands() {
  const { globPatterns } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).oclif.commands;
  const helpers = new Set(globPatterns.filter((name) => name.startsWith('!')).map((name) => name.slice(1)));
  return readdirSync(join(root, 'src/commands'), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !helpers.has(name.replace(/ts$/, 'js')))
    .map((name) => `src/commands/${name}`);
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
