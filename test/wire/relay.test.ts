import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Stream } from 'xfer/plugin';
import { turns, until } from '../../src/compliance/pair.js';
import type { Rollout } from '../../src/relay/forwarder.js';
import { decodeHopDetail, encodeHopDetail, type HopDetail } from '../../src/relay/hop-detail.js';
import { decodeRoute, encodeRoute } from '../../src/relay/route.js';
import { decodeWaitHeader } from '../../src/relay/wait-header.js';
import { encodeHello, ownHello, readHello } from '../../src/session/hello.js';
import { wholeFileBytes } from '../../src/transfer/whole-files.js';
import { MemoryLink } from '../support/memory-link.js';
import { scripts } from '../support/relay-scripts.js';
import { RawEnd, wireConnection, WireRelay, type Step } from '../support/wire-relay.js';

interface GoldenRoute {
  ttl: number;
  visited: string[];
  relays: string[][];
  branches: { to: string; header: string }[];
}

interface Golden {
  routes: { name: string; route: GoldenRoute; hex: string }[];
  refusedRoutes: { name: string; hex: string }[];
  details: { name: string; detail: HopDetail; hex: string }[];
  refusedDetails: { name: string; hex: string }[];
  hellos: { name: string; capabilities: string[]; threshold: number; hex: string }[];
  transcripts: { name: string; rollout: Rollout; steps: Step[] }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/relay-v1.json', import.meta.url), 'utf8'),
) as Golden;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (content: Uint8Array) => Buffer.from(content).toString('hex');

describe('routes on the wire', () => {
  it.each(golden.routes)('are written so: $name', ({ route, hex: wire }) => {
    const branches = route.branches.map(({ to, header }) => ({ to, header: bytes(header) }));
    expect(hex(encodeRoute({ ...route, branches }))).toBe(wire);
  });

  it.each(golden.routes)('are read so: $name', ({ route, hex: wire }) => {
    const read = decodeRoute(bytes(wire));
    const branches = read?.branches.map(({ to, header }) => ({ to, header: hex(header) }));
    expect({ ...read, branches }).toEqual(route);
  });

  it.each(golden.refusedRoutes)('are none: $name', ({ hex: wire }) => {
    expect(decodeRoute(bytes(wire))).toBeUndefined();
  });

  it('carry the header by which a receiver waits', () => {
    const waiting = golden.routes.find(({ name }) => name === 'waiting in a room');
    expect(decodeWaitHeader(bytes(waiting?.route.branches[0]?.header ?? ''))).toBe('4821');
  });
});

describe('details on the wire', () => {
  it.each(golden.details)('are written and read so: $name', ({ detail, hex: wire }) => {
    expect(hex(encodeHopDetail(detail))).toBe(wire);
    expect(decodeHopDetail(bytes(wire))).toEqual(detail);
  });

  it.each(golden.refusedDetails)('are none: $name', ({ hex: wire }) => {
    expect(decodeHopDetail(bytes(wire))).toBeUndefined();
  });
});

describe('a HELLO on the wire', () => {
  it.each(golden.hellos)('is written and read so: $name', ({ capabilities, threshold, hex: wire }) => {
    const hello = ownHello('recv', 'bob', false, [], capabilities, threshold);
    expect(hex(encodeHello(hello))).toBe(wire);
    const read = readHello(bytes(wire), 'send');
    expect(read).toEqual(hello);
    expect(wholeFileBytes(read)).toBe(capabilities.includes('streaming') ? undefined : threshold);
  });
});

/** Plays the bytes of one side of a transcript, each when the other side has said what comes before it. */
async function play(
  steps: readonly Step[],
  isPlayed: (step: Step) => boolean,
  endOf: (link: string) => RawEnd | undefined,
): Promise<void> {
  const expected = new Map<string, string>();
  for (const step of steps) {
    if (isPlayed(step)) {
      await until(() => endOf(step.link) !== undefined);
      endOf(step.link)?.play(step.hex);
      continue;
    }
    const all = (expected.get(step.link) ?? '') + step.hex;
    expected.set(step.link, all);
    await until(() => (endOf(step.link)?.received.length ?? 0) >= all.length);
  }
  await turns(50);
  for (const [link, all] of expected) expect(endOf(link)?.received, link).toBe(all);
}

const linksOf = (steps: readonly Step[]) => [...new Set(steps.map(({ link }) => link))];

describe('a relay among golden peers', () => {
  it.each(golden.transcripts)('says what it always said: $name', async ({ rollout, steps }) => {
    const ends = new Map<string, RawEnd>();
    const wire = new WireRelay(rollout, (link, name) => ends.set(name, new RawEnd(link)));
    const endOf = (link: string) => {
      if (!ends.has(link) && !link.startsWith('end')) ends.set(link, new RawEnd(wire.connect(link)));
      return ends.get(link);
    };
    await play(steps, ({ from }) => from === 'peer', endOf);
  });

  it('with a shadow is one that pipes', async () => {
    const piped = golden.transcripts.find(({ name }) => name === 'a session, piped');
    const ends = new Map<string, RawEnd>();
    const wire = new WireRelay('shadow', (link, name) => ends.set(name, new RawEnd(link)));
    ends.set('sender', new RawEnd(wire.connect('sender')));
    await play(
      piped?.steps ?? [],
      ({ from }) => from === 'peer',
      (link) => ends.get(link),
    );
  });
});

describe('a peer at a golden relay', () => {
  const cases = golden.transcripts.flatMap(({ name, steps }) =>
    linksOf(steps).map((link) => ({ name, link, steps: steps.filter((step) => step.link === link) })),
  );

  it.each(cases)('says what it always said: $name, the $link', async ({ name, link, steps }) => {
    const script = scripts[name] ?? expect.unreachable(name);
    const [ours, theirs] = MemoryLink.pair();
    const raw = new RawEnd(theirs);
    const dialer = script.dialers[link];
    const connection = wireConnection(ours, dialer ? 'dialer' : 'listener');
    if (!dialer) connection.onStream((stream: Stream) => script.end(stream));
    const done = dialer?.(connection);
    await play(
      steps,
      ({ from }) => from === 'relay',
      () => raw,
    );
    await done;
  });
});
