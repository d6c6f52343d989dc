import { expect, test } from 'vitest';
import { readBenchEnd } from '../../../src/app/bench-end.js';

const unsealedKey = '0f'.repeat(32);

test('what a bench says is read by its own children', () => {
  expect(readBenchEnd(undefined, false)).toBeUndefined();
  expect(readBenchEnd('', false)).toBeUndefined();
  const said = { unsealedKey, recordBytes: 65_536 };
  expect(readBenchEnd(JSON.stringify(said), true)).toEqual(said);
  expect(readBenchEnd('{"recordBytes":4096}', true)).toEqual({ recordBytes: 4096 });
});

test('nobody else may say it, and nothing else may be said', () => {
  const usage = expect.objectContaining({ code: 'ERR_XFER_USAGE', remedy: 'unset XFER_BENCH_END' }) as Error;
  expect(() => readBenchEnd(JSON.stringify({ unsealedKey }), false)).toThrow(usage);
  const wrong = [
    ...['1', 'null', '{', '[1]', '{"sealed":false}', '{"unsealedKey":""}', '{"unsealedKey":true}'],
    ...[
      '{"recordBytes":1023}',
      '{"recordBytes":1048577}',
      '{"recordBytes":"4096"}',
      '{"recordBytes":4096.5}',
    ],
    JSON.stringify({ unsealedKey: unsealedKey.toUpperCase() }),
  ];
  for (const text of wrong) expect(() => readBenchEnd(text, true), text).toThrow(usage);
});
