import { describe, it } from 'vitest';
import { SurvivingPipe } from '../support/surviving-pipe.js';
import { udpProxy, type UdpProxy } from '../support/udp-proxy.js';

const limit = { timeout: 90_000 };

// What takes time in these is waiting.
describe.concurrent.each(['udp', 'quic'])('a pipe over %s', (scheme) => {
  /** The network swallows everything while `isDown`. */
  async function over() {
    const network: { isDown: boolean; proxy?: UdpProxy } = { isDown: false };
    const reach = async (address: string) => {
      const port = Number(address.split(':').at(-1));
      network.proxy = await udpProxy({ port, pass: ({ bytes }) => (network.isDown ? [] : [bytes]) });
      return network.proxy.url.replace('udp:', `${scheme}:`);
    };
    const listen = `${scheme}://127.0.0.1:0`;
    const dialerFlags = ['--limit', '8MB/s'];
    const pipe = await SurvivingPipe.open({ bytes: 16e6, listen, reach, dialerFlags });
    return { network, pipe };
  }

  it('goes on when its address changes', limit, async () => {
    const { network, pipe } = await over();
    await pipe.until(0.2);
    await network.proxy?.rebind();
    await pipe.expectWhole();
    network.proxy?.close();
  });

  it('goes on behind a silence that ended its connection', limit, async () => {
    const { network, pipe } = await over();
    await pipe.until(0.2);
    network.isDown = true;
    await pipe.dialer.until(({ events }) =>
      events.some((event) => event.event === 'lane' && event.state === 'down'),
    );
    network.isDown = false;
    await pipe.expectWhole();
    network.proxy?.close();
  });
});
