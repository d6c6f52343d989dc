import { describe, expect, it } from 'vitest';
import { routeTo } from '../../../src/app/route.js';
import { parseTarget } from '../../../src/app/target.js';

const routeOf = (text: string, via: readonly string[] = [], use?: readonly string[]) => {
  const target = parseTarget(text);
  if (target.kind === 'local') throw new Error('a directory has no route');
  return routeTo(target, via, use);
};

describe('a target', () => {
  it('leaves the transport open without a scheme, and the port where there is none', () => {
    expect(parseTarget('far.example')).toEqual({ kind: 'host', host: 'far.example', port: undefined });
    expect(parseTarget('[2001:db8::7]:5000')).toEqual({ kind: 'host', host: '2001:db8::7', port: 5000 });
    expect(routeOf('far.example:5000').way).toEqual({ host: 'far.example', port: 5000 });
  });

  it('is reached over the transport that it names alone', () => {
    const address = { scheme: 'quic', host: 'far.example', port: 4841 };
    expect(parseTarget('quic://far.example')).toEqual({ kind: 'address', address });
    expect(routeOf('quic://far.example', [], ['tcp', 'quic']).way).toEqual(address);
    expect(() => routeOf('quic://far.example', [], ['tcp'])).toThrow(
      'quic://far.example:4841 is none of --transport tcp',
    );
  });

  it.each(['a b:c', '[far]', 'far:99999', ':4840', ''])('is refused as %j', (text) => {
    expect(() => parseTarget(text)).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_BAD_ADDRESS' }) as Error,
    );
  });

  it('is dialled by tcp at the end of relays, over which no transport is chosen', () => {
    expect(routeOf('far.example', ['near.example']).way).toEqual({
      relays: [['tcp://near.example:4840']],
      to: 'tcp://far.example:4840',
    });
    expect(() => routeOf('far.example', ['near.example'], ['udp'])).toThrow(
      '--transport is for a direct way',
    );
  });
});
