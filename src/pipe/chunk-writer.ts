/** What is at least as long stays in its own memory; a chunk less is worth copying what is shorter. */
const leastOwnBytes = 16 * 1024;
const slabBytes = 64 * 1024;

/** Puts small pieces together into chunks, and large ones between them as they are. */
export class ChunkWriter {
  #chunks: Uint8Array[] = [];
  #slab = Buffer.alloc(0);
  /** Of the slab: [#from, #to) is the chunk that has begun. */
  #from = 0;
  #to = 0;

  add(piece: Uint8Array): void {
    if (piece.length === 0) return;
    if (piece.length >= leastOwnBytes) {
      this.#endChunk();
      this.#chunks.push(piece);
      return;
    }
    this.#reserve(piece.length);
    this.#slab.set(piece, this.#to);
    this.#to += piece.length;
  }

  /** A u32, big-endian. */
  addLength(value: number): void {
    this.#reserve(4);
    this.#to = this.#slab.writeUInt32BE(value, this.#to);
  }

  addByte(value: number): void {
    this.#reserve(1);
    this.#to = this.#slab.writeUInt8(value, this.#to);
  }

  /** All chunks, in order; their memory is not written to any more. */
  take(): Uint8Array[] {
    this.#endChunk();
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #reserve(bytes: number): void {
    if (this.#slab.length - this.#to >= bytes) return;
    this.#endChunk();
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    this.#from = this.#to = 0;
  }

  #endChunk(): void {
    if (this.#to > this.#from) this.#chunks.push(this.#slab.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
