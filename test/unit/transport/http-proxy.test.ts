import { describe, expect, it } from 'vitest';
import { httpProxyFor } from '../../../plugins/mux/src/http-proxy.js';

const all = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'http://plain:2' };
const hostOf = (scheme: string, host: string, environment: Record<string, string>) =>
  httpProxyFor(scheme, host, environment)?.host;

describe('the HTTP proxy of the environment', () => {
  it('is HTTPS_PROXY for wss and HTTP_PROXY for ws, in lower case first', () => {
    expect(hostOf('wss', 'far.example', all)).toBe('secure:1');
    expect(hostOf('ws', 'far.example', all)).toBe('plain:2');
    expect(hostOf('wss', 'far.example', { ...all, https_proxy: 'http://lower:3' })).toBe('lower:3');
    // Set to nothing, it turns the other one off.
    expect(hostOf('wss', 'far.example', { ...all, https_proxy: '' })).toBeUndefined();
    expect(hostOf('wss', 'far.example', {})).toBeUndefined();
    expect(hostOf('ws', 'far.example', { HTTPS_PROXY: 'http://secure:1' })).toBeUndefined();
  });

  it('may lack a scheme, be HTTPS, and have a name and a password', () => {
    expect(hostOf('ws', 'far.example', { http_proxy: 'bare:3128' })).toBe('bare:3128');
    expect(httpProxyFor('ws', 'far.example', { http_proxy: 'https://me:secret@there/' })?.password).toBe(
      'secret',
    );
  });

  it.each(['socks5://there:1080', 'http://', 'http://[', '://'])(
    'is refused as %s, which is not told',
    (url) => {
      expect(() => httpProxyFor('ws', 'far.example', { http_proxy: url })).toThrow(
        expect.objectContaining({
          code: 'ERR_XFER_USAGE',
          message: 'HTTP_PROXY is not the URL of an HTTP proxy',
        }) as Error,
      );
    },
  );

  it('is the proxy for loopback, too', () => {
    expect(hostOf('ws', '127.0.0.1', all)).toBe('plain:2');
    expect(hostOf('ws', 'localhost', all)).toBe('plain:2');
  });

  it.each([
    ['*', 'far.example'],
    ['far.example', 'far.example'],
    ['.far.example', 'far.example'],
    ['example', 'far.example'],
    ['other, example', 'FAR.example.'],
    ['other example', 'far.example'],
    ['127.0.0.1', '127.0.0.1'],
    ['10.0.0.0/8', '10.20.30.40'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['2001:db8::/32', '2001:db8::7'],
  ])('is none where NO_PROXY=%s and the host is %s', (list, host) => {
    expect(hostOf('ws', host, { ...all, NO_PROXY: list })).toBeUndefined();
    expect(hostOf('ws', host, { ...all, no_proxy: list, NO_PROXY: 'nothing' })).toBeUndefined();
  });

  it.each([
    ['', 'far.example'],
    [',', 'far.example'],
    ['ample', 'far.example'],
    ['far.example', 'example'],
    ['near.far.example', 'far.example'],
    ['0.0.1', '127.0.0.1'],
    ['10.0.0.0/8', '11.0.0.1'],
    ['10.0.0.0/99', '10.0.0.1'],
    ['10.0.0.0/x', '10.0.0.1'],
    ['127.0.0.1', '::1'],
  ])('stays where NO_PROXY=%s and the host is %s', (list, host) => {
    expect(hostOf('ws', host, { ...all, NO_PROXY: list })).toBe('plain:2');
  });
});
