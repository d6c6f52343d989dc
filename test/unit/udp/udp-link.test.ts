import { describe, expect, it, vi } from 'vitest';
import type { ConnectionDriver } from '../../../plugins/udp/src/connection-driver.js';
import { UdpLink } from '../../../plugins/udp/src/udp-link.js';

function driverOf() {
  const core = { ready: vi.fn(), close: vi.fn(), abort: vi.fn() };
  const usePath = vi.fn();
  const driver = { core, wake: vi.fn(), usePath };
  return { core, usePath, driver: driver as unknown as ConnectionDriver };
}

describe('a link whose hellos are not over yet', () => {
  it('is closed as soon as they are, where that was asked for', () => {
    const link = new UdpLink('there');
    link.close();
    const { core, driver } = driverOf();
    link.begin(driver);
    expect(core.close).toHaveBeenCalledTimes(1);
    expect(core.abort).not.toHaveBeenCalled();
  });

  it('is aborted then, where that was asked for, and begins nothing', () => {
    const link = new UdpLink('there');
    const begun = vi.fn();
    link.onBegin(begun);
    link.abort();
    const { core, driver } = driverOf();
    link.begin(driver);
    expect(core.abort).toHaveBeenCalledTimes(1);
    expect(begun).not.toHaveBeenCalled();
  });

  it('says when it begins', () => {
    const link = new UdpLink('there');
    const begun = vi.fn();
    link.onBegin(begun);
    const { core, driver } = driverOf();
    link.begin(driver);
    expect(begun).toHaveBeenCalledTimes(1);
    expect(core.close).not.toHaveBeenCalled();
  });
});

it('tells the socket of the path that the core has moved to', () => {
  const link = new UdpLink('there');
  const { usePath, driver } = driverOf();
  link.begin(driver);
  link.handlePath(3);
  expect(usePath.mock.calls).toEqual([[3]]);
});

describe('what throws at the work of a connection', () => {
  it('is told to the layer above, and ends the connection', () => {
    const link = new UdpLink('there');
    const errors: Error[] = [];
    link.onError((error) => errors.push(error));
    const { core, driver } = driverOf();
    link.begin(driver);
    link.handleThrown(new RangeError('too large'));
    expect(errors).toMatchObject([{ code: 'ERR_XFER_INTERNAL', message: 'there: too large' }]);
    expect(core.abort).toHaveBeenCalledTimes(1);
  });

  it('ends it, too, where the layer above throws again', () => {
    const link = new UdpLink('there');
    link.onError(() => {
      throw new Error('again');
    });
    const { core, driver } = driverOf();
    link.begin(driver);
    expect(() => link.handleThrown(new RangeError('too large'))).toThrow('again');
    expect(core.abort).toHaveBeenCalledTimes(1);
  });
});
