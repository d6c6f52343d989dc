import { describe, expect, it } from 'vitest';
import { asReported } from '../../../src/commands/reported-error.js';
import { XferError } from '../../../src/errors/index.js';

describe('what a command reports', () => {
  it('is an error of xfer as it was thrown', () => {
    const error = new XferError('ERR_XFER_WRONG_CODE', 'wrong');
    expect(asReported(error)).toBe(error);
  });

  it("is one line of usage for oclif's errors of parsing", () => {
    const parse = Object.assign(new Error('Nonexistent flag: --x\nSee more help with --help'), {
      oclif: { exit: 2 },
    });
    expect(asReported(parse)).toMatchObject({
      code: 'ERR_XFER_USAGE',
      message: 'Nonexistent flag: --x',
      exit: 2,
    });
  });

  it.each([
    new TypeError('x is undefined'),
    Object.assign(new Error('x'), { code: 'ENOENT' }),
    'text',
    undefined,
  ])('is a defect of ours for anything else: %s', (thrown) =>
    expect(asReported(thrown)).toMatchObject({ code: 'ERR_XFER_INTERNAL', exit: 1 }),
  );
});
