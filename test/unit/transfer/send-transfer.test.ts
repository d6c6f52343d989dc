import { expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import type { Session, SessionHandlers } from '../../../src/session/session.js';
import { abortMessage } from '../../../src/transfer/abort-message.js';
import { encodeTransferMessage } from '../../../src/transfer/messages.js';
import { SendTransfer } from '../../../src/transfer/send-transfer.js';

/** One whose other side has told of `error` and left, so that it ends, as lost, as soon as there is nothing more to say. */
function leftBehind(error: XferError): Session {
  let handlers: SessionHandlers | undefined;
  return {
    ...{ recordBytes: 2 ** 20, lanes: [], hello: { capabilities: ['streaming'] } },
    attach: (given: SessionHandlers) => {
      handlers = given;
      given.onControl(encodeTransferMessage(abortMessage(error)));
    },
    sendControl: () => undefined,
    finish: () => {
      const { onEnd } = handlers ?? {};
      handlers = undefined;
      onEnd?.(new XferError('ERR_XFER_CONNECTION_LOST', 'without a lane'));
    },
  } as unknown as Session;
}

async function* nothing(): AsyncGenerator<never> {}

it('fails as it was told, though the other side has left by then', async () => {
  const transfer = new SendTransfer({
    session: leftBehind(new XferError('ERR_XFER_REFUSED', 'no files')),
    native: nativeApi(),
    batches: nothing(),
    preview: nothing,
    key: new Uint8Array(16),
    resume: false,
    tokenOf: () => new Uint8Array(32),
    compress: 'off',
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onProblem: () => undefined,
    onCommitting: () => undefined,
  });
  await expect(transfer.run()).rejects.toMatchObject({
    code: 'ERR_XFER_REFUSED',
    message: 'the receiver: no files',
  });
});
