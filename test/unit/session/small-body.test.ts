import { expect, it } from 'vitest';
import { recordLayout } from '../../../src/native/api.js';
import { sealTwin } from '../../../src/native/seal-twin.js';
import { mostAtOnceBytes, openBodyOf } from '../../../src/session/small-body.js';
import { contentHeader, fileBytes } from './lane-kit.js';
import { encodeRecordHeader } from '../../../src/session/record-header.js';

const seal = sealTwin();
const key = { cipher: 1, key: new Uint8Array(32).fill(3), counter: 8 } as const;

function contentOf(bytes: number) {
  const header = contentHeader({ bodyBytes: bytes });
  return { key, header, record: seal.sealSmall(key, encodeRecordHeader(header), fileBytes(5, bytes)) };
}

/** What `done` got, and whether before the call returned. */
function opened(content: ReturnType<typeof contentOf>) {
  return new Promise<{ error: unknown; body: Uint8Array; isAtOnce: boolean }>((resolve) => {
    let isAtOnce = true;
    openBodyOf({ seal }, content, (error, body) => resolve({ error, body, isAtOnce }));
    isAtOnce = false;
  });
}

it.each([
  [0, true],
  [1, true],
  [mostAtOnceBytes, true],
  [mostAtOnceBytes + 1, false],
  [2 ** 20, false],
])('content of %i bytes is opened before the call returns: %s', async (bytes, isAtOnce) => {
  const result = await opened(contentOf(bytes));
  expect(result).toMatchObject({ error: null, isAtOnce });
  expect(Buffer.from(result.body).equals(fileBytes(5, bytes))).toBe(true);
});

it.each([1, mostAtOnceBytes + 1])('content of %i bytes that was changed gives nothing', async (bytes) => {
  const content = contentOf(bytes);
  content.record[recordLayout.bodyAt] = (content.record[recordLayout.bodyAt] ?? 0) ^ 1;
  const { error, body } = await opened(content);
  expect(error).toMatchObject({ code: 'ERR_XFER_TAMPERED' });
  expect(body).toHaveLength(0);
});
