import { describe, expect, it, vi } from 'vitest';
import { encodeHello } from '../../../src/session/hello.js';
import { BenchTrust } from '../../../src/session/bench-trust.js';
import type { SessionOptions } from '../../../src/session/session.js';
import { contentJob, meet, openFile } from './lanes-kit.js';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const transcript = new Uint8Array(32).fill(1);
const trust = (
  role: 'dialer' | 'listener',
  of: Uint8Array | undefined,
  by: Uint8Array = transcript,
): BenchTrust => new BenchTrust({ key: of, secrets: { transcript: by, role } });
const said = ({ proof }: BenchTrust) => (proof ? { benchProof: proof } : {});

describe('whether one bench has started both sides', () => {
  it('is agreed between those that have its key', () => {
    const [dialer, listener] = [trust('dialer', key(7)), trust('listener', key(7))];
    expect([dialer.isAgreed, listener.isAgreed]).toEqual([false, false]);
    dialer.handleHello(said(listener));
    listener.handleHello(said(dialer));
    expect([dialer.isAgreed, listener.isAgreed]).toEqual([true, true]);
  });

  it('is not with a side that says nothing, has another key, says it of another handshake, or says again what it was told', () => {
    const dialer = trust('dialer', key(7));
    const others: { benchProof?: Uint8Array }[] = [
      {},
      said(trust('listener', key(8))),
      said(trust('listener', key(7), new Uint8Array(32).fill(2))),
      said(dialer),
      { benchProof: new Uint8Array(32) },
    ];
    for (const other of others) {
      dialer.handleHello(other);
      expect(dialer.isAgreed).toBe(false);
    }
  });

  it('is said by nobody who has no key, and means nothing to him', () => {
    const listener = trust('listener', undefined);
    expect(listener.proof).toBeUndefined();
    listener.handleHello(said(trust('dialer', key(7))));
    listener.handleHello(said(trust('dialer', new Uint8Array(32))));
    expect(listener.isAgreed).toBe(false);
  });
});

describe('content of two sessions', () => {
  const benched: Partial<SessionOptions> = { benchKey: key(7) };
  const kinds: [string, Partial<SessionOptions>, Partial<SessionOptions>, boolean][] = [
    ['that one bench has started goes plain', benched, benched, true],
    ['of which the sender alone is of a bench is sealed', benched, {}, false],
    ['of which the receiver alone is of a bench is sealed', {}, benched, false],
    ['of two benches is sealed', benched, { benchKey: key(8) }, false],
    ['of nobody’s bench is sealed', {}, {}, false],
  ];

  it.each(kinds)('%s', async (_, dialer, listener, isPlain) => {
    const met = await meet({}, { dialer, listener });
    const fd = await openFile(1000);
    met.dialer.session.sendContent(0, contentJob(fd, 0, 1000), () => undefined);
    await vi.waitFor(() => expect(met.listener.records.size).toBe(1));
    expect(met.listener.plain).toEqual(isPlain ? [0] : []);
    expect(met.listener.session.fabric.hasCarriedPlain).toBe(isPlain);
    expect(met.dialer.session.isOver).toBe(false);
  });
});

it('the HELLO of an ordinary side does not say that there is such a thing', () => {
  const hello = {
    lowestVersion: 2,
    highestVersion: 2,
    capabilities: [],
    streamingThresholdBytes: 1,
  } as const;
  const bytes = encodeHello({ ...hello, listens: [], role: 'send', name: '', remember: false });
  expect(Buffer.from(bytes).includes('benchProof')).toBe(false);
});
