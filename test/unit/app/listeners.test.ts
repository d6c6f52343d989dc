import { describe, expect, it } from 'vitest';
import type { Address, Listener, ListenOptions, Transport } from 'xfer/plugin';
import type { FabricGain } from '../../../src/app/fabric-gain.js';
import { openListeners } from '../../../src/app/listeners.js';
import { XferError } from '../../../src/errors/index.js';
import { formatAddress } from '../../../src/transport/address.js';
import { TransportRegistry } from '../../../src/transport/registry.js';

const options: ListenOptions = { onConnection: () => undefined, maxConnections: 3 };
const taken = (port: number) => new XferError('ERR_XFER_ADDRESS_IN_USE', `port ${port} is taken`);

type Failure = (port: number) => XferError | undefined;

/** Transports that note where they listen; `udp` and `quic` say why they cannot, if they cannot. */
function machine({ udp, quic, rdma }: { udp?: Failure; quic?: Failure; rdma?: Failure } = {}) {
  let nextPort = 40_000;
  const open: string[] = [];
  const asked: { at: string; options: ListenOptions }[] = [];
  const notes: string[] = [];
  const transport = (failure: Failure): Transport => ({
    probe: () => Promise.resolve({ ok: true, detail: '' }),
    dial: () => Promise.reject(new Error('it does not')),
    listen: (at: Address, options: ListenOptions): Promise<Listener> => {
      asked.push({ at: formatAddress(at), options });
      const error = failure(at.port);
      if (error) return Promise.reject(error);
      const address = { ...at, port: at.port === 0 ? nextPort++ : at.port };
      const url = formatAddress(address);
      open.push(url);
      const close = () => Promise.resolve(void open.splice(open.indexOf(url), 1));
      return Promise.resolve({ address, close });
    },
  });
  const transports = new TransportRegistry();
  const add = (scheme: string, failure: Failure) =>
    transports.add(
      { apiVersion: 1, name: scheme, schemes: [scheme], load: () => Promise.resolve(transport(failure)) },
      scheme,
    );
  add('tcp', (port) => (port === 1 ? taken(1) : undefined));
  if (udp) add('udp', udp);
  if (quic) add('quic', quic);
  if (rdma) add('rdma', rdma);
  const listen = async (urls: readonly string[], defaultPort?: number, gain?: () => Promise<FabricGain>) =>
    (
      await openListeners({
        ...{ transports, urls, options, onNote: (message) => notes.push(message) },
        ...(defaultPort === undefined ? {} : { defaultPort }),
        ...(gain ? { gain } : {}),
      })
    ).map(({ address }) => formatAddress(address));
  return { listen, open, asked, notes };
}

const works = () => undefined;

describe('who listens where he is told', () => {
  it('listens exactly there, in that order', async () => {
    const { listen, notes } = machine({ udp: works });
    const urls = ['udp://127.0.0.1:7', 'tcp://[::1]:8', 'tcp://127.0.0.1:9'];
    expect(await listen(urls)).toEqual(urls);
    expect(await listen(['tcp://127.0.0.1:0'])).toEqual(['tcp://127.0.0.1:40000']);
    expect(notes).toEqual([]);
  });

  it('listens nowhere if one of them is taken, or cannot be read', async () => {
    const { listen, open, asked } = machine({ udp: works });
    await expect(listen(['tcp://127.0.0.1:9', 'tcp://127.0.0.1:1'])).rejects.toMatchObject({
      code: 'ERR_XFER_ADDRESS_IN_USE',
    });
    expect(open).toEqual([]);
    asked.length = 0;
    await expect(listen(['tcp://127.0.0.1:9', 'tcp://a:b'])).rejects.toMatchObject({
      code: 'ERR_XFER_BAD_ADDRESS',
    });
    expect(asked).toEqual([]);
  });

  it('is told where udp cannot listen', async () => {
    const { listen } = machine({ udp: taken });
    await expect(listen(['udp://127.0.0.1:9'])).rejects.toMatchObject({ code: 'ERR_XFER_ADDRESS_IN_USE' });
  });
});

describe('who listens by default', () => {
  it('listens on tcp, every address, port 4840', async () => {
    const { listen, notes } = machine();
    expect(await listen([])).toEqual(['tcp://[::]:4840']);
    expect(notes).toEqual([]);
  });

  it('listens on udp at the same port number where there is that', async () => {
    const { listen, asked } = machine({ udp: works });
    expect(await listen([])).toEqual(['tcp://[::]:4840', 'udp://[::]:4840']);
    // One and the same: limits count over both.
    for (const one of asked) expect(one.options).toBe(options);
  });

  it('gives udp the number that tcp has got', async () => {
    const { listen } = machine({ udp: works });
    expect(await listen([], 0)).toEqual(['tcp://[::]:40000', 'udp://[::]:40000']);
  });

  it('takes another pair where udp cannot have that number', async () => {
    const { listen, open, notes } = machine({ udp: (port) => (port < 40_003 ? taken(port) : undefined) });
    const urls = ['tcp://[::]:40003', 'udp://[::]:40003'];
    expect(await listen([], 0)).toEqual(urls);
    expect(open).toEqual(urls);
    expect(notes).toEqual([]);
  });

  it('goes on without udp after eight pairs', async () => {
    const { listen, open, asked, notes } = machine({ udp: taken });
    expect(await listen([], 0)).toEqual(['tcp://[::]:40007']);
    expect(open).toEqual(['tcp://[::]:40007']);
    expect(asked).toHaveLength(16);
    expect(notes).toEqual(['not listening on udp beside tcp: port 40007 is taken']);
  });

  it.each([
    ['taken', taken(4840)],
    ['forbidden', new XferError('ERR_XFER_PERMISSION', 'no sockets for you')],
  ])('goes on without udp at once where that is %s', async (_, error) => {
    const { listen, asked, notes } = machine({ udp: () => error });
    expect(await listen([])).toEqual(['tcp://[::]:4840']);
    expect(asked).toHaveLength(2);
    expect(notes).toEqual([`not listening on udp beside tcp: ${error.message}`]);
  });

  it('does not go on without tcp', async () => {
    const { listen, open } = machine({ udp: works });
    await expect(listen([], 1)).rejects.toMatchObject({ code: 'ERR_XFER_ADDRESS_IN_USE' });
    expect(open).toEqual([]);
  });

  it('listens on quic, too, at its own port', async () => {
    const { listen, asked, notes } = machine({ udp: works, quic: works });
    expect(await listen([])).toEqual(['tcp://[::]:4840', 'udp://[::]:4840', 'quic://[::]:4841']);
    expect(await listen([], 0)).toEqual(['tcp://[::]:40000', 'udp://[::]:40000', 'quic://[::]:40001']);
    for (const one of asked) expect(one.options).toBe(options);
    expect(notes).toEqual([]);
  });

  it('goes on without quic where that is taken, and says so', async () => {
    const { listen, notes } = machine({ udp: works, quic: taken });
    expect(await listen([])).toEqual(['tcp://[::]:4840', 'udp://[::]:4840']);
    expect(notes).toEqual(['not listening on quic beside tcp: port 4841 is taken']);
  });

  it('says nothing of quic where the machine has none', async () => {
    const missing = () => new XferError('ERR_XFER_NO_TRANSPORT', 'there is no QUIC here');
    const { listen, notes } = machine({ quic: missing });
    expect(await listen([])).toEqual(['tcp://[::]:4840']);
    expect(notes).toEqual([]);
  });

  describe('where it may listen on a fabric', () => {
    const has: FabricGain = { ok: true, providers: ['efa'], isOffloaded: true };

    it('does so beside the others, at its own port, where the hardware is there', async () => {
      const { listen, asked, notes } = machine({ udp: works, quic: works, rdma: works });
      const gain = () => Promise.resolve(has);
      const others = ['tcp://[::]:4840', 'udp://[::]:4840', 'quic://[::]:4841'];
      expect(await listen([], undefined, gain)).toEqual([...others, 'rdma://[::]:4842']);
      expect(asked.at(-1)?.options).toBe(options);
      expect((await listen([], 0, gain)).at(-1)).toBe('rdma://[::]:40002');
      expect(notes).toEqual([]);
    });

    it('does not where nothing is gained, which is nothing to be told of', async () => {
      const { listen, notes } = machine({ udp: works, rdma: works });
      const gain = () => Promise.resolve({ ok: false, reason: 'no device' } as const);
      expect(await listen([], undefined, gain)).toEqual(['tcp://[::]:4840', 'udp://[::]:4840']);
      expect(notes).toEqual([]);
    });

    it('does not unless it is let, nor asks where there is no transport for it', async () => {
      expect(await machine({ udp: works, rdma: works }).listen([])).toHaveLength(2);
      const gain = () => Promise.reject(new Error('was asked'));
      expect(await machine({ udp: works }).listen([], undefined, gain)).toHaveLength(2);
    });

    it('goes on without it where that fails, and says so', async () => {
      const broken = new XferError('ERR_XFER_PERMISSION', 'fi_mr_reg: cannot allocate memory');
      const { listen, notes } = machine({ udp: works, rdma: () => broken });
      expect(await listen([], undefined, () => Promise.resolve(has))).toHaveLength(2);
      expect(notes).toEqual([`not listening on rdma beside tcp: ${broken.message}`]);
    });

    it('does so where it is told, whatever is gained', async () => {
      const { listen } = machine({ rdma: works });
      expect(await listen(['rdma://127.0.0.1'])).toEqual(['rdma://127.0.0.1:4842']);
    });
  });
});
