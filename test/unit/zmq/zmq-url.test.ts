import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseZmqUrl } from '../../../plugins/zmq/src/zmq-url.js';

const refused = (url: string): string => {
  try {
    parseZmqUrl(url);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_XFER_USAGE' });
    return (error as Error).message;
  }
  throw new Error(`${url} was taken`);
};

describe('the URL of a zmq endpoint', () => {
  it('connects unless it is told to bind', () => {
    expect(parseZmqUrl('zmq+push:tcp://127.0.0.1:5555').addresses).toEqual([
      { way: 'connect', address: 'tcp://127.0.0.1:5555', host: '127.0.0.1' },
    ]);
    expect(parseZmqUrl('zmq+pull:bind:tcp://*:5555')).toMatchObject({
      pattern: 'pull',
      addresses: [{ way: 'bind', address: 'tcp://*:5555', host: '*' }],
    });
  });

  it('has several addresses, and a way holds for those behind it', () => {
    const url = 'zmq+pull:tcp://a:1,bind:tcp://*:*,ipc:///tmp/work,connect:tcp://[::1]:2';
    expect(parseZmqUrl(url).addresses).toEqual([
      { way: 'connect', address: 'tcp://a:1', host: 'a' },
      { way: 'bind', address: 'tcp://*:*', host: '*' },
      { way: 'bind', address: 'ipc:///tmp/work' },
      { way: 'connect', address: 'tcp://[::1]:2', host: '::1' },
    ]);
  });

  it.each([
    ['zmq+pair:tcp://a:1', 'is none of'],
    ['zmq+pull:', 'nothing is no tcp'],
    ['zmq+pull:tcp://a:1,', 'nothing is no tcp'],
    ['zmq+pull:tcp://a', 'is no tcp'],
    ['zmq+pull:tcp://a:65536', 'is no tcp'],
    ['zmq+pull:tcp://a;b:1', 'is no tcp'],
    ['zmq+pull:inproc://x', 'is no tcp'],
    ['zmq+pull:tcp://*:5555', 'can only be bound'],
    ['zmq+pull:tcp://a:0', 'can only be bound'],
    [`zmq+pull:ipc:///${'x'.repeat(107)}`, 'longer than'],
    ['zmq+pull:ipc:///tmp/\u001b[2J', 'cannot be printed'],
  ])('is refused as %j', (url, why) => {
    expect(refused(url)).toContain(why);
  });

  it('is read or refused as wrong usage, whatever it is', () => {
    const some = fc.constantFrom(
      'zmq+pull:',
      'zmq+router:',
      'bind:',
      'tcp://',
      'a:1',
      ',',
      '?',
      'hwm=',
      '&',
      '%',
      '7',
      'topic=é',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(some, fc.string())), (pieces) => {
        try {
          parseZmqUrl(pieces.join(''));
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_XFER_USAGE' });
        }
      }),
    );
  });
});
