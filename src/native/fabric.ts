import { loadAddon, type Addon } from './addon.js';
import { buildCommand, packageDirectory } from './build-command.js';
import { loadFabricAddon, preloadFabricAddon } from './fabric-addon.js';
import type { FabricFinding } from './fabric-api.js';
import { nativeFabric } from './fabric-native.js';

const code = 'ERR_XFER_NO_TRANSPORT';

let found: FabricFinding | undefined;

let preloading: Promise<void> | undefined;

/** libfabric by its addon, or why not. Looked for at the first call, which may hold the loop up where nothing was preloaded. */
export function fabricApi(): FabricFinding {
  return (found ??= find());
}

/** What takes long of looking for it, beside the loop. */
export function preload(): Promise<void> {
  return (preloading ??= load());
}

async function load(): Promise<void> {
  if (found || process.env['XFER_NATIVE'] === 'off' || process.platform !== 'linux') return;
  let addon: Addon;
  try {
    addon = loadAddon();
  } catch {
    // Without a pool it is done on the loop.
    return;
  }
  await preloadFabricAddon(addon);
}

function find(): FabricFinding {
  if (process.env['XFER_NATIVE'] === 'off') {
    return {
      ok: false,
      code,
      reason: 'there are no fabrics with XFER_NATIVE=off',
      remedy: 'unset XFER_NATIVE',
    };
  }
  if (process.platform !== 'linux') {
    return { ok: false, code, reason: 'fabrics are for Linux', remedy: 'use another transport' };
  }
  try {
    return { ok: true, api: nativeFabric(loadFabricAddon()) };
  } catch (error) {
    return { ok: false, code, reason: reasonOf(error), remedy: remedy() };
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')
    return 'the addon for fabrics was not built: libfabric or its headers were not there';
  return `the addon for fabrics does not load: ${text.split('\n', 1)[0] ?? text}`;
}

const remedy = (): string =>
  [
    'install libfabric with its headers (Debian: apt install libfabric-dev',
    "Amazon Linux and EFA: Amazon's EFA installer, which puts it in /opt/amazon/efa",
    `elsewhere set XFER_LIBFABRIC to its prefix), then run \`${buildCommand(packageDirectory())}\``,
  ].join('; ');
