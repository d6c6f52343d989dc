import { describe, expect, it } from 'vitest';
import type { ComplianceContext } from '../compliance.js';
import type { Stream, TransportMemory } from '../transport/contract.js';
import { openPair, pattern, readAll, Releases, turns, until } from './pair.js';

const MiB = 1024 * 1024;
const pageBytes = 4096;
const recordBytes = MiB + 68;
const bodyAt = 52;
/** A transport that does not run out of memory is not asked for more. */
const mostBuffers = 64;
const mostKept = 64;

/** Memory that a transport sends from without a copy, and bytes that a reader keeps. */
export function memoryTests(context: () => ComplianceContext): void {
  describe('memory', () => {
    it('has some to send from where it declares zeroCopy, and none where it does not', () => {
      const { near, far } = context().pair;
      for (const { capabilities, memory } of [near, far])
        expect(memory !== undefined).toBe(capabilities.zeroCopy);
    });

    it('gives blocks that are large enough and no others have, byte 52 of each on a page', async () => {
      const memory = await memoryOf(context());
      if (!memory) return;
      const blocks: Buffer[] = [];
      for (const bytes of [recordBytes, 64 * 1024 + 1, 100_000, 512 * 1024]) {
        const block = memory.acquire(bytes);
        if (!block) break;
        expect(block.length).toBeGreaterThanOrEqual(bytes);
        expect((block.byteOffset + bodyAt) % pageBytes).toBe(0);
        blocks.push(block);
      }
      expect(blocks.length).toBeGreaterThan(0);
      for (const [at, block] of blocks.entries()) block.fill(at);
      for (const [at, block] of blocks.entries())
        expect(block.equals(Buffer.alloc(block.length, at))).toBe(true);
      for (const block of blocks) memory.release(block);
    });

    it('says when it has no more, and has some again when it got it back', async () => {
      const memory = await memoryOf(context());
      if (!memory) return;
      const blocks = acquireAll(memory);
      for (const block of blocks) memory.release(block);
      const again = memory.acquire(recordBytes);
      expect(again).toBeDefined();
      if (again) memory.release(again);
    });

    it('sends what lies in it, and what lies elsewhere where it has none, each in its turn', async () => {
      const { pair } = context();
      const memory = await memoryOf(context());
      if (!memory) return;
      const { near, far } = await openPair(pair);
      const all = readAll(far);
      const sent: Buffer[] = [];
      const releases = new Releases();
      const taken = acquireAll(memory);
      for (let turn = 0; turn < 24; turn++) {
        const content = pattern(recordBytes - 4096 * turn, turn);
        sent.push(content);
        const block = turn % 3 === 2 ? undefined : taken.pop();
        const counted = releases.next();
        content.copy(block ?? content);
        near.send(block?.subarray(0, content.length) ?? content, () => {
          counted();
          if (block) memory.release(block);
        });
        if (turn % 5 === 0) near.send(sent[sent.push(pattern(100, turn)) - 1] ?? content, releases.next());
      }
      near.closeWrite();
      expect((await all).equals(Buffer.concat(sent))).toBe(true);
      await until(() => releases.all);
      for (const block of taken) memory.release(block);
      expect(releases.counts.every((count) => count === 1)).toBe(true);
    });

    it('takes it back although the connection is over, with sends in flight or without', async () => {
      const { pair } = context();
      const memory = await memoryOf(context());
      if (!memory) return;
      const { near } = await openPair(pair);
      const releases = new Releases();
      const [idle, ...blocks] = acquireAll(memory);
      for (const block of blocks) {
        const counted = releases.next();
        near.send(block.subarray(0, recordBytes), () => {
          counted();
          memory.release(block);
        });
      }
      await turns(2);
      pair.near.abort(new Error('enough'));
      await pair.near.closed;
      await until(() => releases.all);
      expect(releases.counts.every((count) => count === 1)).toBe(true);
      if (idle) memory.release(idle);
    });

    it('leaves what a reader keeps as it is, past the end of the connection, and goes on meanwhile', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const [total, content] = [24 * MiB, pattern(24 * MiB, 9)];
      const kept: { readonly at: number; readonly bytes: Uint8Array; release(): void }[] = [];
      let have = 0;
      far.onData((bytes, retain) => {
        const release = kept.length < mostKept ? retain?.() : undefined;
        if (release) kept.push({ at: have, bytes, release });
        have += bytes.length;
      });
      for (let at = 0; at < total; at += MiB) near.send(content.subarray(at, at + MiB));
      await until(() => have === total);
      // Nothing of what is kept is missing to others.
      for (let turn = 0; turn < 8; turn++) await answers(pair, turn);
      const isAsItWas = () =>
        kept.every(({ at, bytes }) => content.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0);
      expect(isAsItWas()).toBe(true);
      for (const { release } of kept.splice(0, Math.floor(kept.length / 2))) release();
      pair.near.abort(new Error('enough'));
      await pair.far.closed;
      expect(isAsItWas()).toBe(true);
      // They may be changed.
      for (const { bytes, release } of kept) {
        bytes.fill(0);
        release();
      }
    });

    it('stalls neither control nor another stream for what a reader keeps and never gives back', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const releases: (() => void)[] = [];
      let have = 0;
      far.onData((bytes, retain) => {
        have += bytes.length;
        const release = retain?.();
        if (release) releases.push(release);
      });
      const content = pattern(MiB, 3);
      for (let sent = 0; sent < 64; sent++) near.send(content);
      await until(() => have === 64 * MiB);
      for (let turn = 0; turn < 8; turn++) await answers(pair, turn);
      const message = new Promise<number>((resolve) => pair.far.onMessage((bytes) => resolve(bytes.length)));
      pair.near.sendMessage(pattern(77));
      expect(await message).toBe(77);
      const reset = new Promise<number>((resolve) => far.onReset(resolve));
      near.reset(3);
      expect(await reset).toBe(3);
      for (const release of releases) release();
    });
  });
}

/** All that the transport gives now, up to a bound. */
function acquireAll(memory: TransportMemory): Buffer[] {
  const blocks: Buffer[] = [];
  for (let count = 0; count < mostBuffers; count++) {
    const block = memory.acquire(recordBytes);
    if (!block) break;
    blocks.push(block);
  }
  expect(blocks.length).toBeGreaterThan(0);
  return blocks;
}

/** With its first block, which may come after the connection; undefined where the transport copies, and says so. */
async function memoryOf({ pair }: ComplianceContext): Promise<TransportMemory | undefined> {
  const { capabilities, memory } = pair.near;
  expect(memory !== undefined).toBe(capabilities.zeroCopy);
  if (!memory) return undefined;
  let block = memory.acquire(recordBytes);
  for (; !block; block = memory.acquire(recordBytes)) await turns(1);
  memory.release(block);
  return memory;
}

/** A stream of its own gets there and back. */
async function answers(pair: ComplianceContext['pair'], seed: number): Promise<void> {
  const { near, far } = await openPair(pair);
  const [there, back] = [readAll(far), readAll(near)];
  send(near, pattern(300_000, seed));
  expect((await there).equals(pattern(300_000, seed))).toBe(true);
  send(far, pattern(200_000, seed));
  expect((await back).equals(pattern(200_000, seed))).toBe(true);
}

function send(stream: Stream, bytes: Uint8Array): void {
  stream.send(bytes);
  stream.closeWrite();
}
