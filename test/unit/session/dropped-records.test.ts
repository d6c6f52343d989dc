import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { encodeTransferMessage, type TransferMessage } from '../../../src/transfer/messages.js';
import { ReceiveTransfer } from '../../../src/transfer/receive-transfer.js';
import { contentHeader, fileBytes } from './lane-kit.js';
import { begin, rogueFor } from './session-kit.js';

const entry = {
  id: 0,
  kind: entryKind.file,
  path: 'file',
  size: 2000,
  mode: 0o644,
  mtimeSeconds: 1,
  mtimeNanoseconds: 0,
  target: '',
  token: new Uint8Array(8),
};
const end: Extract<TransferMessage, { type: 'end' }> = {
  type: 'end',
  entries: 1,
  files: 1,
  bytes: 2000,
  records: 2,
  remove: false,
};
const beginning = {
  type: 'begin',
  key: new Uint8Array(16),
  resume: false,
  update: 0,
  remove: false,
} as const;
const native = nativeApi();
let directory = '';

beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'xfer-dropped-'))));
afterEach(() => rm(directory, { recursive: true }));

/** A whole transfer of one file as its sealed records: HELLO, begin, manifest, two of content, finished, END. */
function wholeTransfer(last: TransferMessage) {
  const receiver = begin('listener', { native });
  const { lane, stream, seal, hello } = rogueFor(receiver, 'dialer');
  const say = (number: number, message: TransferMessage) =>
    lane.sendControl(number, 0, encodeTransferMessage(message));
  hello();
  say(2, beginning);
  say(3, { type: 'manifest', entries: [entry] });
  for (const number of [0, 1]) {
    const header = contentHeader({ entry: 0, offset: number * 1000, number });
    lane.sendContent({ fd: 0, header }, () => undefined);
    seal.finish();
  }
  say(4, { type: 'finished', ids: [0] });
  say(5, last);
  return { receiver, records: stream.take() };
}

/** What a receiver makes of these records and a FIN, which comes at once where some are missing. */
async function receive(choose: (records: Uint8Array[]) => Uint8Array[], last: TransferMessage = end) {
  const { receiver, records } = wholeTransfer(last);
  const { stream } = receiver;
  const [hello, ...rest] = choose(records);
  if (hello) stream.deliver(hello);
  const session = await receiver.establishing;
  const root = await native.files.openRoot(directory);
  try {
    const running = new ReceiveTransfer({
      session,
      native,
      root,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onNote: () => undefined,
      onCommitting: () => undefined,
    }).run();
    const told = running.then(
      () => 'committed',
      (error: unknown) => error,
    );
    stream.deliver(...rest);
    if (rest.length < records.length - 1 || last !== end) stream.deliverFin();
    else void stream.ended.then(() => stream.deliverFin());
    return { told: await told, names: await readdir(directory) };
  } finally {
    await native.files.close(root);
  }
}

describe('a transfer', () => {
  it('of which every record has arrived is committed', async () => {
    expect(await receive((records) => records)).toEqual({ told: 'committed', names: ['file'] });
    const expected = [...fileBytes(0, 1000), ...fileBytes(1000, 1000)];
    expect([...(await readFile(join(directory, 'file')))]).toEqual(expected);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'that ends %i records early, by a FIN in order, is truncated',
    async (missing) => {
      const { told, names } = await receive((records) => records.slice(0, records.length - missing));
      expect(told).toEqual(expect.objectContaining({ code: 'ERR_XFER_TRUNCATED', exit: 5 }));
      // A file that was whole and confirmed may stand; nothing half written does.
      expect(names.filter((name) => missing > 1 || name !== 'file')).toEqual([]);
    },
  );

  it.each([1, 2, 3, 4, 5])('without its record %i is tampered with', async (at) => {
    const { told, names } = await receive((records) => records.filter((_, i) => i !== at));
    expect(told).toEqual(expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 }));
    expect(names).toEqual([]);
  });

  it.each<[string, Partial<typeof end>]>([
    ['more records of content', { records: 3 }],
    ['fewer records of content', { records: 1 }],
    ['more entries', { entries: 2 }],
    ['more files', { files: 2 }],
    ['more bytes', { bytes: 2001 }],
  ])('whose END counts %s is truncated', async (_, changes) => {
    const { told } = await receive((records) => records, { ...end, ...changes });
    expect(told).toEqual(expect.objectContaining({ code: 'ERR_XFER_TRUNCATED', exit: 5 }));
  });
});
