import { readFileSync } from 'node:fs';
import type { Connection, Stream } from 'xfer/plugin';
import type { Rollout } from '../../src/relay/forwarder.js';
import { RoutedConnection, type Path } from '../../src/relay/routed-connection.js';
import { encodeWaitHeader } from '../../src/relay/wait-header.js';
import { encodeJoinHeader, sessionHeader } from '../../src/session/stream-headers.js';
import { openErrorCode, resetCode } from '../../src/transport/contract.js';
import { nobodyPort } from './wire-relay.js';

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/handshake-v1.json', import.meta.url), 'utf8'),
) as { runs: { messages: string[] }[] };
const [hello = Buffer.alloc(0), answer = Buffer.alloc(0)] = (golden.runs[0]?.messages ?? []).map((message) =>
  Buffer.from(message, 'hex'),
);

const relayUrl = 'tcp://127.0.0.1:4840';
const endUrl = (port: number) => `tcp://127.0.0.1:${port}`;
const joinHeader = encodeJoinHeader({
  session: Buffer.alloc(16, 0xa1),
  lane: 1,
  nonce: Buffer.alloc(32, 0xb2),
});
const routed = (inner: Connection, to: string) => {
  const path: Path = { relays: [[relayUrl]], to };
  return new RoutedConnection(inner, path, 0);
};

/** What the sides of a golden transcript do. Each resolves when it has seen all that it waits for. */
export interface Script {
  readonly rollout: Rollout;
  /** By the name of its link: who dials the relay. */
  readonly dialers: Readonly<Record<string, (connection: Connection) => Promise<unknown>>>;
  /** What whoever the relay dials does with a stream. */
  end(stream: Stream): void;
}

const read = (stream: Stream) =>
  new Promise<Buffer>((resolve) => stream.onData((b) => resolve(Buffer.from(b))));

/** Asks and is answered, then both ends end. */
async function converse(stream: Stream): Promise<void> {
  const heard = read(stream);
  stream.send(hello);
  await stream.opened;
  await heard;
  stream.closeWrite();
  await stream.closed;
}

function reply(stream: Stream): void {
  stream.accept();
  stream.onData(() => stream.send(answer));
  stream.onEnd(() => stream.closeWrite());
}

const nothing = () => undefined;

/** How a relay names itself is in no transcript: a path of two relays is in the vectors of routes. */
export const scripts: Readonly<Record<string, Script>> = {
  'a session, piped': {
    rollout: 'on',
    dialers: {
      sender: (inner) => converse(routed(inner, endUrl(1)).openStream({ header: sessionHeader })),
    },
    end: reply,
  },
  'a session, stored': {
    rollout: 'off',
    dialers: {
      sender: (inner) => converse(routed(inner, endUrl(1)).openStream({ header: sessionHeader })),
    },
    end: reply,
  },
  'a lane that joins': {
    rollout: 'on',
    dialers: {
      sender: async (inner) => {
        const stream = routed(inner, endUrl(1)).openStream({ header: joinHeader });
        const heard = read(stream);
        await stream.opened;
        await heard;
        stream.closeWrite();
        await stream.closed;
      },
    },
    end: (stream) => {
      stream.accept();
      stream.send(Buffer.concat([Buffer.from('004111', 'hex'), Buffer.alloc(64, 0xc3)]));
      stream.onData(nothing);
      stream.onEnd(() => stream.closeWrite());
    },
  },
  'an end that refuses': {
    rollout: 'on',
    dialers: {
      sender: (inner) => {
        const stream = routed(inner, endUrl(1)).openStream({ header: sessionHeader });
        return stream.opened.catch(nothing);
      },
    },
    end: (stream) => stream.refuse(openErrorCode.refused),
  },
  'nobody there': {
    rollout: 'on',
    dialers: {
      sender: (inner) => {
        const stream = routed(inner, endUrl(nobodyPort)).openStream({ header: sessionHeader });
        return stream.opened.catch(nothing);
      },
    },
    end: nothing,
  },
  'an end that resets': {
    rollout: 'on',
    dialers: {
      sender: (inner) => {
        const stream = routed(inner, endUrl(1)).openStream({ header: sessionHeader });
        stream.send(hello);
        return new Promise((resolve) => stream.onReset(resolve));
      },
    },
    end: (stream) => {
      stream.accept();
      stream.onData(() => stream.reset(resetCode.cancelled));
    },
  },
  'a room': {
    rollout: 'on',
    dialers: {
      receiver: async (inner) => {
        inner.onStream(reply);
        await routed(inner, '').openStream({ header: encodeWaitHeader('4821') }).opened;
      },
      sender: (inner) => converse(routed(inner, 'room:4821').openStream({ header: sessionHeader })),
    },
    end: nothing,
  },
};
