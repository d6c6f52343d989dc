import { TransportRegistry } from '../../dist/index.js';

const plugins = {
  tcp: async () => (await import('../../plugins/mux/dist/index.js')).tcp(),
  udp: async () => (await import('../../plugins/udp/dist/index.js')).udp(),
  quic: async () => (await import('../../plugins/quic/dist/index.js')).quic(),
};

/** Those that a row can be asked for. */
export const transportNames = Object.keys(plugins);

export async function loadTransport(name) {
  return (await plugins[name]()).load();
}

/** With tcp, by which the bench's own ends listen, and the one that is measured. */
export async function registryWith(name) {
  const registry = new TransportRegistry();
  for (const one of new Set(['tcp', name])) registry.add(await plugins[one](), 'bench');
  return registry;
}

/** Of a URL that somebody listens on. */
export function addressOf(url) {
  const [, scheme, host, port] = /^(\w+):\/\/(.*):(\d+)$/.exec(url);
  return { scheme, host, port: Number(port) };
}
