import { expect, it } from 'vitest';
import { rdmaConfig } from '../../../plugins/rdma/src/config.js';
import { FabricMemory } from '../../../plugins/rdma/src/fabric-memory.js';
import { MemoryNetwork } from '../../support/memory-fabric.js';
import type { FabricFaults } from '../../../src/native/fabric-api.js';

const record = 2 ** 20 + 68;

async function memoryOf(faults: FabricFaults = {}, config = rdmaConfig()) {
  const api = new MemoryNetwork().api();
  const { smallBytes, smallCount, largeBytes, largeCount } = config;
  const endpoint = await api.open({
    ...{ provider: 'shm', smallBytes, smallCount, largeBytes, largeCount, faults },
    onEvents: () => undefined,
  });
  const regions: number[] = [];
  const { region } = endpoint;
  endpoint.region = (bytes) => {
    regions.push(bytes);
    return region.call(endpoint, bytes);
  };
  return { memory: new FabricMemory(endpoint, config), regions };
}

/** The region that was asked for is there two turns of the loop later. */
const settled = async () => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
};

it('gives blocks whose byte 52 is on a page, each to one at a time', async () => {
  const { memory } = await memoryOf();
  expect(memory.acquire(1)).toBeUndefined();
  memory.begin();
  await settled();
  const [a, b] = [memory.acquire(record), memory.acquire(100)];
  if (!a || !b) return expect.unreachable('no block');
  expect(a === b).toBe(false);
  for (const block of [a, b]) {
    expect(block.length).toBeGreaterThanOrEqual(record);
    expect((block.byteOffset + 52) % 4096).toBe(0);
  }
  const apart = Math.abs(a.byteOffset - b.byteOffset);
  expect(a.buffer !== b.buffer || apart >= a.length).toBe(true);
  memory.release(a);
  memory.release(a);
  const next = [memory.acquire(1), memory.acquire(1), memory.acquire(1)];
  expect(next.filter((block) => block === a).length).toBe(1);
});

it('gets more ahead of need, up to its limit', async () => {
  const { memory, regions } = await memoryOf({}, rdmaConfig({ memoryBlocks: 6, memoryBlocksAtOnce: 4 }));
  memory.begin();
  await settled();
  expect(regions.length).toBe(1);
  const taken = new Set<Buffer>();
  for (let i = 0; i < 10; i++) {
    const block = memory.acquire(record);
    if (block) taken.add(block);
    await settled();
  }
  expect(taken.size).toBe(6);
  expect(regions.length).toBe(2);
  for (const block of taken) memory.release(block);
  const again = memory.acquire(record);
  expect(again && taken.has(again)).toBe(true);
});

it('has nothing for what is longer than a record', async () => {
  const { memory } = await memoryOf();
  memory.begin();
  await settled();
  expect(memory.acquire(record + 1)).toBeUndefined();
});

it('does with what there is where no more memory may be locked', async () => {
  const { memory, regions } = await memoryOf({ register: { at: 2, error: 'ENOMEM' } });
  memory.begin();
  await settled();
  const taken = [];
  for (let i = 0; i < 8; i++) {
    taken.push(memory.acquire(1));
    await settled();
  }
  expect(taken.filter(Boolean).length).toBe(4);
  expect(regions.length).toBe(2);
});

it('takes back what is given back behind the end, and gives nothing any more', async () => {
  const { memory } = await memoryOf();
  memory.begin();
  await settled();
  const block = memory.acquire(1);
  if (!block) return expect.unreachable('no block');
  memory.end();
  memory.release(block);
  block.fill(1);
  expect(memory.acquire(1)).toBeUndefined();
});
