import { describe, expect, it } from 'vitest';
import { checkShared, sendArguments } from '../../../src/commands/send-arguments.js';

describe('the arguments of send', () => {
  it('takes the last one for the target', () => {
    expect(sendArguments(['a', 'b', 'tcp://h:1'], [])).toEqual({ paths: ['a', 'b'], targets: ['tcp://h:1'] });
  });

  it('takes all for paths where --to names the target', () => {
    expect(sendArguments(['a', 'b'], ['h'])).toEqual({ paths: ['a', 'b'], targets: ['h'] });
  });

  it('takes several targets', () => {
    expect(sendArguments(['a', 'b'], ['h', 'i', 'local:/tmp'])).toEqual({
      paths: ['a', 'b'],
      targets: ['h', 'i', 'local:/tmp'],
    });
  });

  it.each([
    ['--peer', { peer: 'bob', as: undefined }],
    ['--as', { peer: undefined, as: 'bob' }],
  ])('refuses %s for several targets', (flag, flags) => {
    expect(() => checkShared(flags)).toThrow(`${flag} is for one target`);
  });

  it('lets local:DIR hold any characters', () => {
    expect(sendArguments(['a'], ['local:/tmp/x@y:z']).targets).toEqual(['local:/tmp/x@y:z']);
  });

  it('sends paths that look like ssh targets', () => {
    expect(sendArguments(['me@host:dir', 'h'], []).paths).toEqual(['me@host:dir']);
  });

  it('takes a single argument over a relay for a path, and the room of the code for the target', () => {
    expect(sendArguments(['a'], [], true)).toEqual({ paths: ['a'], targets: ['room:'] });
    expect(sendArguments(['a', 'room:4821'], [], true).targets).toEqual(['room:4821']);
    expect(sendArguments(['a', 'h'], [], true, () => false).targets).toEqual(['h']);
  });

  it('guesses nothing where the target over a relay may be a path', () => {
    expect(() => sendArguments(['a', 'b'], [], true, () => true)).toThrow('"b" is a path here');
    expect(sendArguments(['a', 'b'], ['room:1'], true, () => true).paths).toEqual(['a', 'b']);
    expect(() => sendArguments(['a', 'local:x'], [], true)).toThrow('no relay is needed');
  });

  it.each([
    ['nothing at all', [], [], 'at least one path'],
    ['a target alone', ['h'], [], 'at least one path'],
    ['no path beside --to', [], ['h'], 'at least one path'],
    ['one of several targets', ['a'], ['h', 'local:'], 'needs a directory'],
    ['an ssh target', ['a', 'me@host:dir'], [], 'ssh targets'],
    ['an ssh target without a directory', ['a', 'me@host'], [], 'ssh targets'],
    ['an ssh target by --to', ['a'], ['me@host:dir'], 'ssh targets'],
    ['a room', ['a', 'room:4821'], [], 'a room is at a relay'],
    ['local: without a directory', ['a', 'local:'], [], 'needs a directory'],
    ['an empty target', ['a', ''], [], 'target is empty'],
    ['an empty path', ['', 'h'], [], 'path is empty'],
  ])('refuses %s', (_, words, to, told) => {
    expect(() => sendArguments(words, to)).toThrow(
      expect.objectContaining({
        code: 'ERR_XFER_USAGE',
        exit: 2,
        message: expect.stringContaining(told) as string,
      }),
    );
  });
});
