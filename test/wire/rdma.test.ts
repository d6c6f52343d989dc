import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  bootstrapLength,
  bootstrapVersion,
  decodeBootstrap,
  encodeBootstrap,
  type BootstrapMessage,
} from '../../plugins/rdma/src/bootstrap-message.js';
import {
  messageHeadBytes,
  messageType,
  readMessageHead,
  writeMessageHead,
} from '../../plugins/rdma/src/message-head.js';

interface GoldenParty {
  tag: string;
  smallCount: number;
  largeCount: number;
  smallBytes: number;
  largeBytes: number;
  address: string;
}

interface Golden {
  version: number;
  exchange: {
    hello: {
      lowest: number;
      highest: number;
      host: string | null;
      offers: { provider: string; fabric: string; domain: string; version: string }[];
      hex: string;
    };
    strangersHello: Golden['exchange']['hello'];
    answer: { version: number; provider: string; party: GoldenParty; hex: string };
    refusal: { code: number; words: string; hex: string };
    ready: { party: GoldenParty; hex: string };
    finished: { hex: string };
  };
  heads: { type: string; fin: boolean; streamId: number; offset: number; content: string; hex: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/rdma-v1.json', import.meta.url), 'utf8'),
) as Golden;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (content: Uint8Array) => Buffer.from(content).toString('hex');
const party = ({ tag, address, ...numbers }: GoldenParty) => ({
  ...{ tag: BigInt(`0x${tag}`), ...numbers, address: bytes(address) },
});

const { hello, strangersHello, answer, refusal, ready, finished } = golden.exchange;
const helloOf = ({ lowest, highest, host, offers }: Golden['exchange']['hello']): BootstrapMessage => ({
  ...{ kind: 'hello', lowest, highest, offers },
  host: host === null ? undefined : bytes(host),
});

describe('the exchange of rdma on the wire', () => {
  const messages: readonly (readonly [string, BootstrapMessage, string])[] = [
    ['hello', helloOf(hello), hello.hex],
    ['hello of a machine that does not tell which it is', helloOf(strangersHello), strangersHello.hex],
    [
      'answer',
      { kind: 'answer', version: answer.version, provider: answer.provider, party: party(answer.party) },
      answer.hex,
    ],
    ['refusal', { kind: 'refusal', code: refusal.code, words: refusal.words }, refusal.hex],
    ['ready', { kind: 'ready', party: party(ready.party) }, ready.hex],
    ['finished', { kind: 'finished' }, finished.hex],
  ];

  it('is of the version that the file is for', () => {
    expect(bootstrapVersion).toBe(golden.version);
  });

  it.each(messages)('has a %s written so, and read back', (_name, message, written) => {
    expect(hex(encodeBootstrap(message))).toBe(written);
    expect(bootstrapLength(bytes(written))).toBe(written.length / 2);
    expect(decodeBootstrap(bytes(written))).toEqual(message);
  });
});

describe('messages of rdma on the fabric', () => {
  it.each(golden.heads)('have the head of $type written so', ({ type, content, ...head }) => {
    const number = messageType[type as keyof typeof messageType];
    const into = new Uint8Array(messageHeadBytes);
    writeMessageHead(into, { ...head, type: number });
    expect(hex(into)).toBe(head.hex);
    const { fin, streamId, offset } = head;
    expect(readMessageHead(bytes(head.hex + content))).toEqual({ type: number, fin, streamId, offset });
  });
});
