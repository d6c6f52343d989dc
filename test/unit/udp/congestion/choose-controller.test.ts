import { describe, expect, it } from 'vitest';
import { controllerFactory } from '../../../../plugins/udp/src/congestion/choose-controller.js';
import { options } from './samples.js';

describe('--cc', () => {
  it.each([
    ['bbr', 'bbr'],
    ['cubic', 'cubic'],
    ['ledbat', 'ledbat'],
    ['fixed:80mbit', 'fixed'],
  ])('%s gives %s', (text, name) => {
    expect(controllerFactory(text)(options()).name).toBe(name);
  });

  it('is bbr where it is not given', () => {
    expect(controllerFactory()(options()).name).toBe('bbr');
  });

  it.each([
    ['fixed:400MB/s', 400e6],
    ['fixed:80mbit', 10e6],
  ])('%s is paced at %d bytes a second', (text, rate) => {
    expect(controllerFactory(text)(options()).pacingRate).toBe(rate);
  });

  it.each(['', 'BBR', 'reno', 'fixed', 'fixed:', 'fixed:0MB/s', 'fixed:fast', ' bbr'])(
    'refuses %j',
    (text) => {
      expect(() => controllerFactory(text)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }));
    },
  );

  it('names the choices when it refuses', () => {
    expect(() => controllerFactory('reno')).toThrow(
      expect.objectContaining({ remedy: expect.stringMatching(/bbr, cubic, ledbat or fixed:RATE/) }),
    );
  });
});
