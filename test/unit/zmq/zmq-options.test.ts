import { describe, expect, it } from 'vitest';
import { readOptions } from '../../../plugins/zmq/src/zmq-options.js';

describe('the options of a zmq endpoint', () => {
  it('have defaults of their pattern', () => {
    const common = { sendHighWaterMark: 1000, receiveHighWaterMark: 1000, topics: [''], isMandatory: true };
    expect(readOptions('push', '')).toEqual({ ...common, lingerMs: 10_000, waitMs: 0 });
    expect(readOptions('pub', '')).toEqual({ ...common, lingerMs: 1_000, waitMs: 100 });
  });

  it('set both high-water marks, or one', () => {
    expect(readOptions('dealer', 'hwm=5&sndhwm=0')).toMatchObject({
      sendHighWaterMark: 0,
      receiveHighWaterMark: 5,
    });
  });

  it('are percent-decoded, and topics add up', () => {
    expect(readOptions('sub', 'topic=a%26b&topic=1+1&count=3&idle=20')).toMatchObject({
      topics: ['a&b', '1+1'],
      count: 3,
      idleMs: 20,
    });
  });

  it('name where keys are, never a secret one', () => {
    expect(readOptions('pull', 'curve-secret-key-file=/k&curve-allow-file=/a')).toMatchObject({
      secretKey: { file: '/k' },
      allowFile: '/a',
    });
    expect(readOptions('pull', 'curve-secret-key-env=K&curve-server-key=%40x')).toMatchObject({
      secretKey: { variable: 'K' },
      serverKey: { text: '@x' },
    });
    expect(() => readOptions('pull', 'curve-secret-key=x')).toThrow('no such option');
  });

  it.each([
    ['pull', 'hwn=1', 'hwn: zmq+pull has no such option'],
    ['pull', 'constructor=1', 'no such option'],
    ['pull', 'topic=a', 'no such option'],
    ['push', 'count=1', 'no such option'],
    ['push', 'hwm', 'no such option'],
    ['push', 'hwm=1&hwm=2', 'given twice'],
    ['push', 'hwm=-1', 'whole number'],
    ['push', 'hwm=1e3', 'whole number'],
    ['push', 'linger=3600001', 'whole number'],
    ['pull', 'count=0', 'whole number'],
    ['router', 'mandatory=2', 'whole number'],
    ['dealer', 'identity=', '1 to 255 bytes'],
    ['dealer', 'identity=%00a', '1 to 255 bytes'],
    ['sub', 'topic=%', 'percent-encod'],
    ['push', 'curve-server-key-file=a&curve-server-key-env=b', 'given twice'],
    ['push', 'curve-allow-file=a', 'of a server'],
    ['push', 'curve-allow-file=a&curve-secret-key-file=b&curve-server-key-file=c', 'of a server'],
  ] as const)('of %s refuse %s', (pattern, query, why) => {
    expect(() => readOptions(pattern, query)).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_USAGE', message: expect.stringContaining(why) as string }),
    );
  });
});
