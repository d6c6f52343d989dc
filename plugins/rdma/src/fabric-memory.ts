import type { FabricEndpoint, TransportMemory } from 'xfer/plugin';
import type { RdmaConfig } from './config.js';

const pageBytes = 4096;
/** Where the body of a sealed record begins in it: on a page. */
const bodyAt = 52;
/** A record of 1 MiB and what is around it. */
const recordBytes = 2 ** 20 + 68;
/** What lies before a block, so that its body begins on a page. */
const leadBytes = pageBytes - bodyAt;
const strideBytes = Math.ceil((leadBytes + recordBytes) / pageBytes) * pageBytes;

/** Registered memory of one connection, in blocks for a record each; got ahead of need, a few blocks at a time. */
export class FabricMemory implements TransportMemory {
  readonly #endpoint: FabricEndpoint;
  readonly #config: RdmaConfig;
  readonly #blocks = new Set<Buffer>();
  readonly #free: Buffer[] = [];
  #isGetting = false;
  #isOver = false;

  constructor(endpoint: FabricEndpoint, config: RdmaConfig) {
    this.#endpoint = endpoint;
    this.#config = config;
  }

  /** The first blocks; before them there are none. */
  begin(): void {
    void this.#get();
  }

  acquire(bytes: number): Buffer | undefined {
    if (this.#isOver || bytes > recordBytes) return undefined;
    const block = this.#free.pop();
    if (this.#free.length < this.#config.memoryBlocksAtOnce / 2) void this.#get();
    return block;
  }

  release(buffer: Buffer): void {
    if (this.#isOver || !this.#blocks.has(buffer) || this.#free.includes(buffer)) return;
    this.#free.push(buffer);
  }

  /** The connection is over: nothing is given out, what is out stays valid. */
  end(): void {
    this.#isOver = true;
    this.#blocks.clear();
    this.#free.length = 0;
  }

  async #get(): Promise<void> {
    const { memoryBlocks, memoryBlocksAtOnce } = this.#config;
    const count = Math.min(memoryBlocksAtOnce, memoryBlocks - this.#blocks.size);
    if (this.#isGetting || this.#isOver || count <= 0) return;
    this.#isGetting = true;
    try {
      this.#add(await this.#endpoint.region(count * strideBytes), count);
      this.#isGetting = false;
    } catch {
      // No more memory may be locked: what there is has to do, and it is not asked again. What is sent may lie anywhere.
    }
  }

  #add(region: ArrayBuffer, count: number): void {
    if (this.#isOver) return;
    for (let i = 0; i < count; i++) {
      const block = Buffer.from(region, i * strideBytes + leadBytes, recordBytes);
      this.#blocks.add(block);
      this.#free.push(block);
    }
  }
}
