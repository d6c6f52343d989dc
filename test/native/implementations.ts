import { describe } from 'vitest';
import { nativeFiles } from '../../src/native/addon-files.js';
import { loadAddon, nativeSeal } from '../../src/native/addon.js';
import type { FilesApi, NativeApi, SealApi } from '../../src/native/api.js';
import { filesTwin } from '../../src/native/files-twin.js';
import { freeMemoryTwin } from '../../src/native/free-memory-twin.js';
import { sealTwin } from '../../src/native/seal-twin.js';
import { stayAwakeTwin } from '../../src/native/stay-awake-twin.js';

export interface Implementation {
  readonly name: 'addon' | 'twin';
  readonly seal: SealApi;
  readonly files: FilesApi;
  readonly freeMemory: NativeApi['freeMemory'];
  readonly stayAwake: NativeApi['stayAwake'];
}

export const twin: Implementation = {
  ...{ name: 'twin', seal: sealTwin(), files: filesTwin(), freeMemory: freeMemoryTwin },
  stayAwake: stayAwakeTwin,
};

/** The addon, where it was built; otherwise every suite that needs it says that it did not run. */
export const addon: Implementation | undefined = load();

/** Runs a suite on the twin and, where it was built, on the addon. */
export function describeBoth(title: string, suite: (implementation: Implementation) => void): void {
  describe(`${title} (twin)`, () => suite(twin));
  describeAddon(`${title} (addon)`, suite);
}

export function describeAddon(title: string, suite: (implementation: Implementation) => void): void {
  describe.runIf(addon)(title, () => suite(addon ?? twin));
}

function load(): Implementation | undefined {
  try {
    const binding = loadAddon();
    const freeMemory = (bytes: Uint8Array): void => binding.freeMemory(bytes);
    const stayAwake = (microseconds: number): void => binding.stayAwake(microseconds);
    return { name: 'addon', seal: nativeSeal(binding), files: nativeFiles(binding), freeMemory, stayAwake };
  } catch (error) {
    process.stderr.write(
      `NOT TESTED: the native addon does not load, its tests are skipped: ${String(error)}\n`,
    );
    return undefined;
  }
}
