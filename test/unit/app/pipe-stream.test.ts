import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { PipeMeter } from '../../../src/app/pipe-meter.js';
import { acceptedEnd, runStream } from '../../../src/app/pipe-stream.js';
import { XferError } from '../../../src/errors/index.js';
import { HandEndpoint } from './pipe-app-kit.js';

it.each([false, true])(
  'a stream leaves nothing behind at signals that outlive it, both ways: %s',
  async (duplex) => {
    const [signal, opening] = [new AbortController().signal, new AbortController().signal];
    const options = { signal, opening, duplex, meter: new PipeMeter(), onProgress: () => undefined };
    for (const failure of [undefined, new XferError('ERR_XFER_LOCAL_IO', 'the disk is gone')]) {
      const ends = [new HandEndpoint('from'), new HandEndpoint('to')] as const;
      for (const { hand } of ends)
        if (failure) hand.push(failure);
        else hand.push('some').end();
      const over = runStream([acceptedEnd(ends[0])], [acceptedEnd(ends[1])], options);
      if (failure) await expect(over).rejects.toBe(failure);
      else await over;
      expect(ends[1].text).toBe(failure ? '' : 'some');
      expect(getEventListeners(signal, 'abort').length + getEventListeners(opening, 'abort').length).toBe(0);
    }
  },
);
