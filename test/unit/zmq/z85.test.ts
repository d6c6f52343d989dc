import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z85Decode, z85Encode } from '../../../plugins/zmq/src/z85.js';

it('encodes the test case of ZeroMQ RFC 32', () => {
  const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
  expect(z85Encode(bytes)).toBe('HelloWorld');
  expect(z85Decode('HelloWorld')).toEqual(bytes);
});

it('decodes what it encoded', () => {
  const bytes = fc.uint8Array({ maxLength: 64 }).filter(({ length }) => length % 4 === 0);
  fc.assert(
    fc.property(bytes, (some) => {
      expect(z85Decode(z85Encode(some))).toEqual(some);
    }),
  );
});

it.each(['Hell', 'Hello~', 'Hell ', '#####', '"ello'])('knows that %s is none', (text) => {
  expect(z85Decode(text)).toBeUndefined();
});
