import { describe, expect, it } from 'vitest';
import { answerNativeBench } from '../../src/bench/native-answers.js';
import { nativeLoops } from '../../src/bench/native-loops.js';
import { decodeNativeHeader } from '../../src/bench/native-message.js';
import { XferError } from '../../src/errors/index.js';
import { fabricApi } from '../../src/native/fabric.js';
import { openErrorCode } from '../../src/transport/contract.js';
import { memory } from '../support/memory-transport.js';

const found = fabricApi();
const there = found.ok ? (await found.api.providers()).map(({ provider }) => provider) : [];
const address = { scheme: 'memory', host: 'here', port: 7 };

/** Native loops of both ends in this process, agreed on over a connection in memory. */
async function loops(provider: string, signal: AbortSignal) {
  if (!found.ok) throw new Error(found.reason);
  const { api } = found;
  const transport = await memory().load();
  await transport.listen(address, {
    onConnection: (connection) =>
      connection.onStream((stream, header) => {
        const first = decodeNativeHeader(header)?.providers.find((name) => there.includes(name));
        if (first === undefined) return stream.refuse(openErrorCode.refused);
        void answerNativeBench(stream, api, first);
      }),
  });
  const connection = await transport.dial(address, { signal });
  return nativeLoops(connection, api, ['none', provider], new Uint8Array(16), signal);
}

const sizes = { smallBytes: 4096, smallCount: 16, largeBytes: 2 ** 20, largeCount: 4 };

describe.each(['tcp;ofi_rxm', 'shm'])('native loops over %s', (provider) => {
  it.skipIf(!there.includes(provider))(
    'send from one region, however many follow one another',
    async () => {
      if (!found.ok) throw new Error(found.reason);
      const { api } = found;
      // An endpoint registers three regions, and its loops one: a fifth is one too many.
      const faults = { register: { at: 5, error: 'ENOMEM' } };
      const open = () => api.loop({ provider, ...sizes, faults });
      const [one, other] = await Promise.all([open(), open()]);
      const peerOf = ({ address, tag }: typeof one) => ({ ...sizes, address, tag });
      await Promise.all([one.connect(peerOf(other)), other.connect(peerOf(one))]);
      try {
        for (let run = 0; run < 20; run++) {
          const what = {
            kind: run % 2 === 0 ? 'one-way' : 'ping-pong',
            bytes: 1 + run * 1000,
            iterations: 7,
          } as const;
          const both = [one.run({ ...what, isClient: true }), other.run({ ...what, isClient: false })];
          for (const { seconds } of await Promise.all(both)) expect(seconds).toBeGreaterThan(0);
        }
      } finally {
        await Promise.all([one.close(), other.close()]);
      }
    },
    60_000,
  );
});

describe.each(['tcp;ofi_rxm', 'shm'])('native loops of a bench over %s', (provider) => {
  it.skipIf(!there.includes(provider))(
    'run both patterns, of small messages and large ones',
    async () => {
      const native = await loops(provider, new AbortController().signal);
      expect(native).toMatchObject({ provider });
      for (const pattern of ['latency', 'memory'] as const)
        for (const bytes of [1, 64, 2 ** 20]) {
          const { iterations, totalBytes, seconds } = await native!.run(pattern, bytes, { iterations: 20 });
          expect(iterations).toBe(20);
          expect(totalBytes).toBe(20 * bytes * (pattern === 'latency' ? 2 : 1));
          expect(seconds).toBeGreaterThan(0);
        }
      await native!.close();
    },
    60_000,
  );

  it.skipIf(!there.includes(provider))(
    'end at once with the signal',
    async () => {
      const ending = new AbortController();
      const native = await loops(provider, ending.signal);
      const run = native!.run('memory', 2 ** 20, { iterations: 1_000_000 });
      const reason = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
      const failed = expect(run).rejects.toBe(reason);
      await new Promise(setImmediate);
      ending.abort(reason);
      await failed;
      await native!.close();
    },
    60_000,
  );
});

it.skipIf(!found.ok)('native loops are none where the other end has none of the providers', async () => {
  expect(await loops('other', new AbortController().signal)).toBeUndefined();
});
