import { expect, it, vi } from 'vitest';
import { encodeOpen } from '../../../src/mux/encode.js';
import { LoneCore } from '../../support/mux-cores.js';

// As many ids as there are cannot be used up in a test.
const few = 5;
vi.mock(import('../../../src/mux/frame.js'), async (original) => ({
  ...(await original()),
  maxIdBeside: 5 as 0xffff_ffff,
}));

const open = (id: number): Uint8Array => encodeOpen(id, 1 << 20, 0, new Uint8Array(0));

it('opens no stream past the last id of a link that carries content beside the frames', () => {
  const { core } = new LoneCore({ dialer: true, contentBeside: true });
  const ids = [1, 2, 3].map(() => core.open(0, new Uint8Array(0), 0)).map((one) => 'id' in one && one.id);
  expect(ids).toEqual([1, 3, few]);
  expect(core.open(0, new Uint8Array(0), 0)).toEqual({ refused: 9 });
});

it('opens more of them where frames carry it', () => {
  const { core } = new LoneCore({ dialer: true });
  for (let id = 1; id <= few + 2; id += 2) expect(core.open(0, new Uint8Array(0), 0)).toMatchObject({ id });
});

it("takes the other side's OPEN up to it, and no further", () => {
  const beside = new LoneCore({ contentBeside: true });
  expect(beside.feed(open(few))).toBeUndefined();
  expect(beside.feed(open(few + 2))).toMatch(/OPEN for the id 7/);
  expect(new LoneCore().feed(open(few + 2))).toBeUndefined();
});
