import { zmq } from '@xfer/zmq';
import { expect, it } from 'vitest';
import { loadBinding } from '../../../plugins/zmq/src/binding.js';
import { zmqKind } from '../../../plugins/zmq/src/zmq-kind.js';

const options = { use: 'source', signal: new AbortController().signal, onNote: () => undefined } as const;

it('costs only its endpoints where zeromq is not installed', async () => {
  const kind = zmqKind(() => loadBinding(() => Promise.reject(new Error('Cannot find package zeromq'))));
  kind.check('zmq+pull:tcp://127.0.0.1:1', 'source');
  await expect(kind.open('zmq+pull:tcp://127.0.0.1:1', options)).rejects.toMatchObject({
    code: 'ERR_XFER_NO_ENDPOINT',
    remedy: expect.stringContaining('npm install zeromq') as string,
  });
});

it('tells xfer doctor what is there, and what is not', async () => {
  expect(await zmqKind().probe?.()).toEqual({
    ok: true,
    detail: expect.stringMatching(/^libzmq 4\.\d+\.\d+, CURVE$/) as string,
  });
  const missing = zmqKind(() => loadBinding(() => Promise.reject(new Error('Cannot find package zeromq'))));
  expect(await missing.probe?.()).toMatchObject({
    ...{
      ok: false,
      code: 'ERR_XFER_NO_ENDPOINT',
      remedy: expect.stringContaining('npm install zeromq') as string,
    },
  });
});

it.each([
  ['push', 'source'],
  ['pub', 'both'],
  ['pull', 'sink'],
  ['sub', 'both'],
] as const)('refuses %s as %s', async (pattern, use) => {
  const kind = await zmq().load();
  expect(() => kind.check(`zmq+${pattern}:tcp://127.0.0.1:1`, use)).toThrow(
    expect.objectContaining({ code: 'ERR_XFER_USAGE' }),
  );
});
