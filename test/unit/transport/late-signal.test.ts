import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { lateSignal } from '../../../src/transport/late-signal.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('aborts what it was joined into although its garbage was collected meanwhile', async () => {
  const joined = AbortSignal.any([new AbortController().signal, lateSignal(50)]);
  const aborted = once(joined, 'abort');
  collectGarbage();
  await aborted;
  expect(joined.reason).toMatchObject({ name: 'TimeoutError' });
});
