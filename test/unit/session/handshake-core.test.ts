import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { MessageReader } from '../../../src/session/handshake-messages.js';
import { chooseCipher } from '../../../src/session/handshake-listener.js';
import { codeDialer, deadline, endOf, knownDialer, listenerCore, startCpace, talk } from './core-kit.js';
import { identityOf, secret } from './handshake-kit.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

interface Golden {
  readonly dialerSecretKey: string;
  readonly listenerSecretKey: string;
  readonly runs: readonly {
    readonly mode: 'code' | 'known';
    readonly messages: readonly string[];
    readonly secret: string;
    readonly transcript: string;
  }[];
}

describe('the handshake on the wire', () => {
  const golden = JSON.parse(
    readFileSync(new URL('../../../fixtures/wire/handshake-v1.json', import.meta.url), 'utf8'),
  ) as Golden;
  const identity = identityOf(Uint8Array.from(Buffer.from(golden.dialerSecretKey, 'hex')));
  const listener = identityOf(Uint8Array.from(Buffer.from(golden.listenerSecretKey, 'hex')));

  it.each(golden.runs)(
    'is as it was in version 1: $mode',
    ({ mode, messages, secret: expectedSecret, transcript }) => {
      const dialer =
        mode === 'code'
          ? codeDialer({ identity })
          : knownDialer({ identity, expected: [listener.publicKey] });
      const wires = talk(dialer, listenerCore({ identity: listener }));
      expect(wires.map((wire) => hex(wire.bytes))).toEqual(messages);
      const keys = dialer.outcome?.kind === 'done' ? dialer.outcome.keys : undefined;
      expect(keys && [hex(keys.secret), hex(keys.transcript)]).toEqual([expectedSecret, transcript]);
    },
  );
});

describe('the cores', () => {
  const arbitraryChunks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

  it('survive any bytes: they end with an error of ours or wait for more, and the deadline ends that', () => {
    fc.assert(
      fc.property(arbitraryChunks, fc.boolean(), (chunks, isFramed) => {
        for (const core of [codeDialer(), knownDialer(), listenerCore()]) {
          for (const chunk of chunks)
            core.handleData(
              isFramed ? Uint8Array.of(chunk.length >> 8, chunk.length & 255, ...chunk) : chunk,
            );
          core.handleTime(deadline);
          expect(endOf(core)).toMatch(/^ERR_XFER_(?!INTERNAL)/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('survive mutations of valid messages at any point, with one answer at most to each', () => {
    const honest = talk(codeDialer(), listenerCore()).filter((wire) => wire.from === 'dialer');
    const mutation = fc.record({
      message: fc.nat(2),
      at: fc.nat(150),
      value: fc.nat(255),
      length: fc.nat(200),
    });
    fc.assert(
      fc.property(mutation, ({ message, at, value, length }) => {
        const listener = listenerCore();
        const outputs: number[] = [];
        for (const [i, { bytes }] of honest.entries()) {
          const sent = i === message ? bytes.slice(0, length) : bytes;
          if (i === message && at < sent.length) sent[at] = value;
          listener.handleData(sent);
          if (listener.question?.kind === 'code') listener.handleCode(secret, startCpace);
          for (let out = listener.pollOutput(); out; out = listener.pollOutput()) outputs.push(out.length);
        }
        listener.handleTime(deadline);
        expect(outputs.length).toBeLessThanOrEqual(3);
        expect(Math.max(0, ...outputs)).toBeLessThanOrEqual(200);
        expect(endOf(listener)).toMatch(/^(done$|ERR_XFER_(?!INTERNAL))/);
      }),
      { numRuns: 200 },
    );
  });

  it('stay as they ended, whatever comes', () => {
    const listener = listenerCore();
    listener.handleEnd();
    const { outcome } = listener;
    listener.handleData(new Uint8Array(100));
    listener.handleTime(deadline);
    listener.handleCode(secret, startCpace);
    listener.handleKnown(true);
    expect(listener.outcome).toBe(outcome);
    expect(listener.pollOutput()).toBeUndefined();
  });

  it('take a byte sent out of turn for a breach', () => {
    const listener = listenerCore();
    listener.handleData(codeDialer().pollOutput() ?? new Uint8Array());
    expect(listener.question).toEqual({ kind: 'code' });
    listener.handleData(Uint8Array.of(0));
    expect(endOf(listener)).toBe('ERR_XFER_PROTOCOL');
    const [dialer, other] = [knownDialer(), listenerCore()];
    talk(dialer, other, { tap: ({ bytes }, i) => (i === 4 ? Uint8Array.of(...bytes, 0) : bytes) });
    expect([endOf(dialer), endOf(other)]).toEqual(['ERR_XFER_PROTOCOL', 'ERR_XFER_PROTOCOL']);
  });

  it('refuse a version that is not theirs, and ciphers that are not common', () => {
    const dialer = codeDialer();
    const listener = listenerCore();
    talk(dialer, listener, {
      tap: ({ bytes }, i) => {
        const changed = bytes.slice();
        if (i === 0) changed.set([0, 9, 0, 9], 7);
        return changed;
      },
    });
    expect([endOf(dialer), endOf(listener)]).toEqual(['ERR_XFER_VERSION', 'ERR_XFER_VERSION']);
    const [other, picky] = [codeDialer({ ciphers: [1] }), listenerCore({ ciphers: [2] })];
    talk(other, picky);
    expect(endOf(picky)).toBe('ERR_XFER_VERSION');
  });

  it('refuse an answer with a cipher that was not offered', () => {
    const dialer = codeDialer({ ciphers: [1] });
    talk(dialer, listenerCore(), {
      tap: ({ bytes }, i) => (i === 1 ? bytes.map((byte, at) => (at === 5 ? 2 : byte)) : bytes),
    });
    expect(endOf(dialer)).toBe('ERR_XFER_PROTOCOL');
  });

  it('choose the cipher that both prefer, else ChaCha20-Poly1305, else what is common', () => {
    expect(chooseCipher([1, 2], [1, 2])).toBe(1);
    expect(chooseCipher([1, 2], [2, 1])).toBe(2);
    expect(chooseCipher([2, 1], [1, 2])).toBe(2);
    expect(chooseCipher([1, 2], [1])).toBe(1);
    expect(chooseCipher([2, 1], [1])).toBe(1);
  });

  it('believe a wrong code only where a code was tried', () => {
    const dialer = knownDialer();
    dialer.handleData(Uint8Array.of(0, 2, 0x7f, 31));
    expect(endOf(dialer)).toBe('ERR_XFER_REFUSED');
    const unknown = knownDialer();
    unknown.handleData(Uint8Array.of(0, 2, 0x7f, 34));
    expect(endOf(unknown)).toBe('ERR_XFER_REFUSED');
  });
});

describe('the reader of messages', () => {
  it('refuses lengths of zero and above the limit as soon as they are read', () => {
    const tooLong = sessionDefaults.maxHandshakeMessageBytes + 1;
    const refusal = expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }) as Error;
    expect(() => new MessageReader().take(Uint8Array.of(tooLong >> 8, tooLong & 255))).toThrow(refusal);
    expect(() => new MessageReader().take(Uint8Array.of(0, 0))).toThrow(refusal);
    const longest = sessionDefaults.maxHandshakeMessageBytes;
    expect(new MessageReader().take(Uint8Array.of(longest >> 8, longest & 255))).toBeUndefined();
  });
});
