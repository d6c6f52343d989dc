import { describe, expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { errorFrom, reasonFor, refusalCode, refusalFrom } from '../../../src/pipe/channel-errors.js';
import { encodePipeMessage, decodePipeMessage } from '../../../src/pipe/messages.js';

describe('why a channel was refused', () => {
  it.each([
    [1, 'ERR_XFER_UNREACHABLE'],
    [2, 'ERR_XFER_REFUSED'],
    [3, 'ERR_XFER_TIMEOUT'],
    [4, 'ERR_XFER_REFUSED'],
    [5, 'ERR_XFER_UNKNOWN_HOST'],
    [9, 'ERR_XFER_LIMIT'],
    [77, 'ERR_XFER_REFUSED'],
  ])('is told by code %i, %s, where the error itself is one that this side does not know', (code, name) => {
    expect(refusalFrom({ code, wire: 65_000, message: 'so' })).toMatchObject({
      code: name,
      message: 'the other side: so',
    });
  });

  it.each([
    ['ERR_XFER_UNKNOWN_HOST', 5],
    ['ERR_XFER_TIMEOUT', 3],
    ['ERR_XFER_LIMIT', 9],
    ['ERR_XFER_PERMISSION', 4],
    ['ERR_XFER_NOT_FOUND', 1],
    ['ERR_XFER_USAGE', 2],
  ] as const)('is the error itself where both know it: %s, of kind %i', (name, code) => {
    const error = new XferError(name, 'so');
    expect(refusalCode(error)).toBe(code);
    expect(refusalFrom({ code, ...reasonFor(error) }).code).toBe(name);
  });
});

it('a reason is cut to what a message takes, and harmless for a terminal', () => {
  const reason = reasonFor(new XferError('ERR_XFER_LOCAL_IO', `\u001b[2J${'x'.repeat(1_000)}`));
  const message = { type: 'stop', id: 0, ...reason } as const;
  expect(decodePipeMessage(encodePipeMessage(message))).toEqual(message);
  const { code, message: shown } = errorFrom(reason);
  expect([code, shown.startsWith(String.raw`the other side: \u{1b}[2Jxxx`)]).toEqual([
    'ERR_XFER_LOCAL_IO',
    true,
  ]);
});
