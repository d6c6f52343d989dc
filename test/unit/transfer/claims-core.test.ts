import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClaimsCore } from '../../../src/transfer/claims-core.js';

describe('the claims of records', () => {
  it('take each number once, whatever order and however often it comes, until it is given back', () => {
    const step = fc.record({ number: fc.nat(30), giveBack: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const claims = new ClaimsCore(1000);
        const model = new Set<number>();
        for (const { number, giveBack } of steps) {
          if (giveBack && model.delete(number)) claims.giveBack(number);
          else {
            expect(claims.claim(number)).toBe(model.has(number) ? 'copy' : 'new');
            model.add(number);
          }
          expect(claims.size).toBe(model.size);
        }
        const isPrefix = Math.max(-1, ...model) + 1 === model.size;
        expect(claims.isWhole(model.size)).toBe(isPrefix);
        expect(claims.isWhole(model.size + 1)).toBe(false);
      }),
    );
  });

  it('are whole where nothing was counted and nothing came', () => {
    const claims = new ClaimsCore(4);
    expect([claims.isWhole(0), claims.isWhole(1)]).toEqual([true, false]);
  });

  it('are not whole where the first is missing', () => {
    const claims = new ClaimsCore(4);
    claims.claim(1);
    expect([claims.isWhole(1), claims.isWhole(2)]).toEqual([false, false]);
  });

  it('take no more gaps than a window has, and what closes one still', () => {
    const claims = new ClaimsCore(3);
    expect([0, 2, 4, 6].map((number) => claims.claim(number))).toEqual(['new', 'new', 'new', 'full']);
    expect([claims.claim(2), claims.claim(3), claims.claim(6)]).toEqual(['copy', 'new', 'new']);
  });

  it('give nothing back that was not claimed', () => {
    expect(() => new ClaimsCore(3).giveBack(0)).toThrow(RangeError);
  });
});
