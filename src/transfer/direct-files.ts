import { transferDefaults } from '../config/index.js';
import type { DirectFile, FilesApi } from '../native/api.js';

/** Opens files a second time, past the page cache, and says once where that cannot be. */
export class DirectFiles {
  readonly #files: FilesApi;
  readonly #onNote: (message: string) => void;
  #isNoted = false;

  constructor(files: FilesApi, onNote: (message: string) => void) {
    this.#files = files;
    this.#onNote = onNote;
  }

  /** `size`: what it has or will have. Undefined where it goes through the page cache. Never rejects. */
  async open(fd: number, size: number): Promise<DirectFile | undefined> {
    if (size < transferDefaults.leastDirectBytes) return undefined;
    try {
      const direct = await this.#files.openDirect(fd);
      if (!direct) this.#note('this system, or the file system, has no way past the page cache');
      return direct;
    } catch (error) {
      this.#note(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #note(why: string): void {
    if (this.#isNoted) return;
    this.#isNoted = true;
    this.#onNote(`files go through the page cache, although direct was asked for: ${why}`);
  }
}
