import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { udpDefaults } from '../../src/config/defaults.js';
import { helloType, refusalCode } from '../../plugins/udp/src/hello/hello-layout.js';
import { maxCookieBytes, maxHelloControlBytes } from '../../plugins/udp/src/hello/hello-packet.js';

const page = readFileSync(new URL('../../docs/udp.md', import.meta.url), 'utf8');
const [hellos = ''] = /^## Hellos[^]*?(?=^## )/m.exec(page) ?? [];

describe('docs/udp.md on hellos', () => {
  it('has the types of the packets', () => {
    for (const [name, type] of Object.entries(helloType))
      expect(page).toMatch(new RegExp(`^\\| ${type.toString(16)} +\\| ${name.toUpperCase()} `, 'm'));
  });

  it('names the limits that are kept', () => {
    const { cookieLifetimeMs, helloRepeatMs, maxHelloRepeatMs, ...rest } = udpDefaults;
    for (const said of [
      `A HELLO has ${rest.helloBytes} bytes`,
      `up to ${maxCookieBytes} bytes that the dialer`,
      `good for ${cookieLifetimeMs / 1000} seconds`,
      `replaced every ${cookieLifetimeMs / 1000} seconds`,
      `up to ${maxHelloControlBytes} bytes of the dialer's control`,
      `sent again after ${helloRepeatMs} ms`,
      `at most ${maxHelloRepeatMs / 1000} seconds`,
      `for ${rest.maxAnsweredDialers.toLocaleString('en')} dialers`,
      `${rest.leastRefusalPatienceMs} ms at least and ${rest.refusalPatienceMs / 1000} second at most`,
      `${refusalCode.limit} is a limit`,
      `${refusalCode.closing} a listener that takes no more`,
    ])
      expect(hellos).toContain(said);
    expect(page).toContain(`largest datagram taken u32, ${rest.baseDatagramBytes} at least`);
  });
});
