import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** What the one file of the command line has: see .ci/bundle-program.mjs, which writes it. */
interface Program {
  run(argv: string[], root: string): Promise<unknown>;
  /** Each command's class, by its id, loaded when it is asked for. */
  readonly commands: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>>;
  /** What `xfer/plugin` has, as the command line itself uses it. */
  readonly plugin: object;
}

type Wrapper = (
  ...given: [
    module: { exports: unknown },
    exports: unknown,
    require: NodeJS.Require,
    importModule: (name: string) => Promise<unknown>,
    moduleUrl: string,
  ]
) => void;

/** Its file name without ending, which has the digest of what is in it: compiled code is never that of another program. */
declare const programName: string;

const path = (ending: string): string => fileURLToPath(new URL(programName + ending, import.meta.url));

/**
 * The program, compiled once: V8's compiled code is kept beside it (bin/keep-code.js), and a short command would spend half its
 * time on compiling without. V8 itself refuses what another version of it, or other flags, made; then it is compiled as ever.
 */
function load(): Program {
  const file = path('.js');
  const kept = path('.code');
  const cachedData = existsSync(kept) ? readFileSync(kept) : undefined;
  const script = new Script(readFileSync(file, 'latin1'), {
    filename: file,
    ...(cachedData ? { cachedData } : {}),
  });
  const module = { exports: {} };
  const wrapper = script.runInThisContext() as Wrapper;
  // A package that is a module cannot be required: whoever needs one imports it first, and it is there then.
  const imported = new Map<string, unknown>();
  const importModule = async (name: string) => {
    const found: unknown = await import(name);
    imported.set(name, found);
    return found;
  };
  const given = createRequire(import.meta.url);
  const require = Object.assign((name: string) => imported.get(name) ?? (given(name) as unknown), given);
  // As deep as the sources are, so that what they find beside them is found from there, too.
  const moduleUrl = new URL('chunks/program.js', import.meta.url).href;
  wrapper(module, module.exports, require, importModule, moduleUrl);
  if (Symbol.for('xfer/keep-code') in globalThis) process.once('exit', () => keep(script, kept));
  return module.exports as Program;
}

/** What has run by now is in it, and what it began with. */
function keep(script: Script, kept: string): void {
  const unfinished = `${kept}.${process.pid}`;
  writeFileSync(unfinished, script.createCachedData());
  renameSync(unfinished, kept);
}

export const { run, commands, plugin } = load();
// Plugins share what the command line has: dist/plugin.js.
Object.assign(globalThis, { [Symbol.for('xfer/plugin')]: plugin });
