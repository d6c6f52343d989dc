import {
  MuxBudget,
  MuxConnection,
  transportApiVersion,
  XferError,
  type Address,
  type OrderedLink,
  type Transport,
} from 'xfer/plugin';
import { DialPolicy, parseDialRules } from '../../src/relay/dial-policy.js';
import type { Rollout } from '../../src/relay/forwarder.js';
import { RelayGuard } from '../../src/relay/relay-guard.js';
import { Relay } from '../../src/relay/relay.js';
import { laneFraming } from '../../src/session/lane-framing.js';
import { TransportRegistry } from '../../src/transport/registry.js';
import { MemoryLink } from './memory-link.js';
import { stranger } from './relay-net.js';

/** What went over one link in one direction, until something went the other way. */
export interface Step {
  readonly link: string;
  readonly from: 'peer' | 'relay';
  hex: string;
}

/** Where nobody listens. */
export const nobodyPort = 9;

/** All that shows on the wire, whatever the defaults become. */
const config = {
  maxStreamsPerPeer: 1000,
  maxPendingOpens: 100,
  initialWindowBytes: 256 * 1024,
  earlyStreamBytes: 64 * 1024,
  earlyBeforeHelloBytes: 64 * 1024,
  earlyConnectionBytes: 1024 * 1024,
  framePayloadBytes: 16 * 1024,
  maxFramePayloadBytes: 1024 * 1024 + 4096,
};

/** A connection of which all that shows on the wire is fixed. */
export function wireConnection(link: OrderedLink, role: 'dialer' | 'listener'): MuxConnection {
  const at: Address = { scheme: 'tcp', host: '127.0.0.1', port: 4840 };
  return new MuxConnection({ link, role, local: at, remote: at, config, budget: new MuxBudget() });
}

/** A relay between links whose other ends are the test's, and what goes over them. */
export class WireRelay {
  /** In the order in which it went, on whatever link. */
  readonly steps: Step[] = [];
  readonly #relay: Relay;

  /** `onDial`: the relay dials somebody, and this is the other end; named `end` and the port. */
  constructor(rollout: Rollout, onDial: (link: MemoryLink, name: string) => void) {
    const registry = new TransportRegistry();
    const transport: Transport = {
      probe: () => Promise.resolve({ ok: true, detail: 'for tests' }),
      listen: () => Promise.reject(new Error('nobody listens here')),
      dial: async ({ port }) => {
        await Promise.resolve();
        if (port === nobodyPort) throw new XferError('ERR_XFER_CONNECTION_REFUSED', 'nobody listens');
        const [ours, theirs] = this.#pair(`end ${port}`);
        onDial(theirs, `end ${port}`);
        return wireConnection(ours, 'dialer');
      },
    };
    const descriptor = { apiVersion: transportApiVersion, name: 'wire', schemes: ['tcp'] } as const;
    registry.add({ ...descriptor, load: () => Promise.resolve(transport) }, 'test');
    const policy = new DialPolicy({ rules: parseDialRules(['any']), loopbackOnly: false });
    this.#relay = new Relay({
      transports: registry,
      guard: new RelayGuard({ policy }),
      identify: stranger,
      forwarding: { rollout, framingOf: laneFraming },
    });
  }

  /** The other end of a link to the relay. */
  connect(name: string): MemoryLink {
    const [ours, theirs] = this.#pair(name);
    this.#relay.handleConnection(wireConnection(ours, 'listener'));
    return theirs;
  }

  #pair(link: string): [ours: MemoryLink, theirs: MemoryLink] {
    const tap = (from: Step['from']) => ({
      tamper: (bytes: Uint8Array) => {
        const hex = Buffer.from(bytes).toString('hex');
        const last = this.steps.at(-1);
        if (last?.link === link && last.from === from) last.hex += hex;
        else this.steps.push({ link, from, hex });
        return [bytes];
      },
    });
    return MemoryLink.pair(tap('relay'), tap('peer'));
  }
}

/** One end of a link in the hands of a test: plays bytes, and keeps what comes. */
export class RawEnd {
  #received = '';
  readonly #link: MemoryLink;

  constructor(link: MemoryLink) {
    this.#link = link;
    link.onData((bytes) => (this.#received += Buffer.from(bytes).toString('hex')));
  }

  get received(): string {
    return this.#received;
  }

  play(hex: string): void {
    this.#link.write([Buffer.from(hex, 'hex')], () => undefined);
  }
}
