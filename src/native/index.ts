import { nativeDescriptors } from './addon-descriptors.js';
import { nativeFiles } from './addon-files.js';
import { hasDescriptors, loadAddon, nativeSeal } from './addon.js';
import type { NativeApi } from './api.js';
import { descriptorsTwin } from './descriptors-twin.js';
import { filesTwin } from './files-twin.js';
import { freeMemoryTwin } from './free-memory-twin.js';
import { hasAesByCpuinfo, preferredCipher } from './preferred-cipher.js';
import { sealTwin } from './seal-twin.js';
import { stayAwakeTwin } from './stay-awake-twin.js';

let loaded: NativeApi | undefined;

/** The addon, or its twin where it was not built or `XFER_NATIVE=off`. Loaded at the first call, then the same one. */
export function nativeApi(): NativeApi {
  return (loaded ??= process.env['XFER_NATIVE'] === 'off' ? twinApi('XFER_NATIVE=off') : addonApi());
}

/** See `NativeApi.freeMemory`. */
export function freeMemory(bytes: Uint8Array): void {
  nativeApi().freeMemory(bytes);
}

function addonApi(): NativeApi {
  try {
    const addon = loadAddon();
    return {
      kind: 'native',
      detail: 'The native addon seals records and writes files on its own threads.',
      preferredCipher: preferredCipher(() => addon.hasAes),
      hasWideGcm: () => addon.hasWideGcm(),
      seal: nativeSeal(addon),
      files: nativeFiles(addon),
      descriptors: hasDescriptors(addon) ? nativeDescriptors(addon) : descriptorsTwin(),
      freeMemory: (bytes) => addon.freeMemory(bytes),
      stayAwake: (microseconds) => addon.stayAwake(microseconds),
    };
  } catch (error) {
    return twinApi(firstLine(error));
  }
}

function twinApi(reason: string): NativeApi {
  return {
    kind: 'typescript',
    detail: `The native addon is not used (${reason}): sealing is slower (about half the speed, on the main thread) and times of files are kept to the microsecond.`,
    preferredCipher: preferredCipher(hasAesByCpuinfo),
    hasWideGcm: () => false,
    seal: sealTwin(),
    files: filesTwin(),
    descriptors: descriptorsTwin(),
    freeMemory: freeMemoryTwin,
    stayAwake: stayAwakeTwin,
  };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
