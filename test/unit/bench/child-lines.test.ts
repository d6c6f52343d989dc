import { expect, test } from 'vitest';
import { startListeningChild } from '../../../src/bench/listening-child.js';
import { NearChild } from '../../../src/bench/near-child.js';
import { XferChild } from '../../../src/bench/xfer-child.js';

const prints = (lines: readonly string[]): string =>
  `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}`;
/** A command line that begins with it runs this in place of an xfer. */
const inPlace = (script: string): readonly string[] => ['sh', '-c', script];
/** As long as its parent wants it. */
const stays = 'exec cat >/dev/null';
const noise = ['a warning', '{"half":', '["list"]', 'null'];
const listening = '{"event":"listening","addresses":["tcp://127.0.0.1:7"]}';

test('whoever listens may be heard to say something else before', async () => {
  const child = await startListeningChild([], {
    prefix: inPlace(`${prints([...noise, listening])}; ${stays}`),
  });
  expect(child.address).toBe('tcp://127.0.0.1:7');
  child.stop();
  await child.ended;
});

test('so may the process at the near end before it answers', async () => {
  const answers = prints([...noise, '{"answer":"closed"}']);
  const child = new NearChild(inPlace(`read -r line; ${answers}; ${stays}`));
  try {
    await expect(child.ask({ ask: 'close', number: 1 })).resolves.toEqual({ answer: 'closed' });
  } finally {
    await child.close();
  }
});

test('and whatever is heard of an xfer beside its events', async () => {
  const place = inPlace(`${prints(noise)} >&3; ${prints([listening, 'done'])}`);
  const child = new XferChild({ name: 'receiver', words: [], place, env: {}, countsCpu: false });
  expect(await child.listening()).toBe('tcp://127.0.0.1:7');
  await expect(child.done()).rejects.toMatchObject({ message: 'xfer receiver ended with status 0: done' });
});
