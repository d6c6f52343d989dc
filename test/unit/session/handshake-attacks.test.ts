import { describe, expect, it } from 'vitest';
import {
  alice,
  bob,
  codeDialer,
  endOf,
  knownDialer,
  listenerCore,
  secretOf,
  startCpace,
  talk,
  type Wire,
} from './core-kit.js';
import { makeIdentity } from './handshake-kit.js';
import type { HandshakeCore } from '../../../src/session/handshake-core.js';

const modes = [
  ['with a code', codeDialer],
  ['of known peers', knownDialer],
] as const;

/** Whoever has finished agrees with the other or the other knows that it failed. */
function expectRefused(dialer: HandshakeCore, listener: HandshakeCore, what: string): void {
  const ends = [endOf(dialer), endOf(listener)];
  expect(ends, what).not.toContain('open');
  expect(ends.filter((end) => end === 'done').length, what).toBeLessThan(2);
  expect(ends[0], `${what}: the dialer hears the listener last`).not.toBe('done');
  for (const end of ends) expect(end, what).toMatch(/^(done|ERR_XFER_(?!INTERNAL))/);
}

describe.each(modes)('a handshake %s', (_, makeDialer) => {
  const honest = talk(makeDialer(), listenerCore());

  it('is the same six messages each time that the randomness is', () => {
    expect(honest).toHaveLength(6);
    expect(honest.map((wire) => wire.from)).toEqual([
      'dialer',
      'listener',
      'dialer',
      'listener',
      'dialer',
      'listener',
    ]);
    expect(talk(makeDialer(), listenerCore())).toEqual(honest);
  });

  it('fails for somebody with any single byte changed', () => {
    for (const [index, { bytes }] of honest.entries())
      for (const at of bytes.keys()) {
        const [dialer, listener] = [makeDialer(), listenerCore()];
        const tap = (wire: Wire, i: number) => {
          if (i !== index) return wire.bytes;
          const changed = wire.bytes.slice();
          changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
          return changed;
        };
        talk(dialer, listener, { tap });
        expectRefused(dialer, listener, `message ${index + 1}, byte ${at}`);
      }
  }, 60_000);

  it('fails for somebody with any message cut, and with the end that follows', () => {
    for (const [index, { bytes }] of honest.entries())
      for (const length of [0, 1, 2, 3, bytes.length >> 1, bytes.length - 1]) {
        const [dialer, listener] = [makeDialer(), listenerCore()];
        talk(dialer, listener, {
          tap: (wire, i) => (i === index ? wire.bytes.subarray(0, length) : wire.bytes),
        });
        expectRefused(dialer, listener, `message ${index + 1} cut to ${length}`);
      }
  });

  it('goes through in pieces of one byte', () => {
    const [dialer, listener] = [makeDialer(), listenerCore()];
    const bytewise = (core: HandshakeCore) => {
      const whole = core.handleData.bind(core);
      core.handleData = (bytes) => bytes.forEach((byte) => whole(Uint8Array.of(byte)));
    };
    bytewise(dialer);
    bytewise(listener);
    talk(dialer, listener);
    expect([endOf(dialer), endOf(listener)]).toEqual(['done', 'done']);
    expect(secretOf(dialer)).toEqual(secretOf(listener));
  });

  it('cannot be replayed to a listener', () => {
    const listener = listenerCore({ seed: 'another' });
    const recorded = honest.filter((wire) => wire.from === 'dialer').map((wire) => wire.bytes);
    const player = Object.assign(makeDialer(), { pollOutput: () => recorded.shift() });
    talk(player, listener);
    expect(endOf(listener)).not.toBe('done');
  });

  it('cannot be replayed to a dialer', () => {
    const dialer = makeDialer({ seed: 'another' });
    dialer.pollOutput();
    for (const wire of honest) if (wire.from === 'listener') dialer.handleData(wire.bytes);
    expect(endOf(dialer)).toMatch(/^ERR_XFER_/);
  });

  it('shows no identity of either side in the clear', () => {
    const seen = Buffer.concat(honest.map((wire) => wire.bytes));
    for (const { publicKey } of [alice, bob]) expect(seen.includes(Buffer.from(publicKey))).toBe(false);
  });
});

describe('a man in the middle', () => {
  it('who answers with his own key in the place of a known peer is found before the third message', () => {
    const [dialer, mallory] = [knownDialer(), listenerCore({ identity: makeIdentity() })];
    const wires = talk(dialer, mallory);
    expect(endOf(dialer)).toBe('ERR_XFER_KEY_CHANGED');
    expect(endOf(mallory)).toBe('ERR_XFER_HANDSHAKE');
    // Two messages and a refusal: the dialer's static key would be in the third.
    expect(wires.filter((wire) => wire.from === 'dialer').map((wire) => wire.bytes[2])).toEqual([1, 3, 0x7f]);
  });

  it('who does not know the code gets one guess, nothing to test further guesses on, and no identity', () => {
    const [dialer, mallory] = [codeDialer(), listenerCore({ identity: makeIdentity() })];
    const wires = talk(dialer, mallory, { codeSecret: 'not the code' });
    expect(endOf(dialer)).toBe('ERR_XFER_WRONG_CODE');
    expect(endOf(mallory)).toBe('ERR_XFER_WRONG_CODE');
    expect(wires.map((wire) => wire.bytes[2])).toEqual([1, 2, 3, 0x7f]);
  });

  it('who claims to have checked the code cannot confirm it', () => {
    const dialer = codeDialer();
    const made = talk(codeDialer({ seed: 'his own' }), listenerCore({ seed: 'his own' }));
    talk(dialer, listenerCore(), {
      tap: (wire, i) => (i === 3 ? (made[3]?.bytes ?? wire.bytes) : wire.bytes),
    });
    expect(endOf(dialer)).toBe('ERR_XFER_HANDSHAKE');
  });

  it('who meets both sides with two handshakes of his own joins neither', () => {
    const [dialer, listener] = [codeDialer(), listenerCore()];
    const [toDialer, toListener] = [
      listenerCore({ identity: makeIdentity(), seed: 'm' }),
      codeDialer({
        identity: makeIdentity(),
        seed: 'm',
        code: { secret: 'a guess of his', startCpace: startCpace },
      }),
    ];
    talk(dialer, toDialer, { codeSecret: 'a guess of his' });
    talk(toListener, listener);
    expect([dialer, toDialer, toListener, listener].map(endOf)).toEqual(Array(4).fill('ERR_XFER_WRONG_CODE'));
  });

  it('cannot pass a dialer that trusts a key to a listener that asks for the code', () => {
    const [dialer, listener] = [knownDialer(), listenerCore({ allowKnown: false })];
    talk(dialer, listener);
    expect([endOf(dialer), endOf(listener)]).toEqual(['ERR_XFER_NO_CODE', 'ERR_XFER_NO_CODE']);
  });

  it('cannot talk the sides into another cipher', () => {
    const [dialer, listener] = [codeDialer(), listenerCore()];
    talk(dialer, listener, {
      tap: ({ bytes }, i) => {
        if (i !== 0) return bytes;
        const swapped = bytes.slice();
        swapped.set([2, 1], 2 + 11);
        return swapped;
      },
    });
    expect(endOf(listener)).toBe('ERR_XFER_HANDSHAKE');
    expect(endOf(dialer)).toBe('ERR_XFER_HANDSHAKE');
  });
});
