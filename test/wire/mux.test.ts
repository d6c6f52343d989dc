import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../src/mux/decode.js';
import {
  encodeClose,
  encodeCodeFrame,
  encodeFrame,
  encodeOpen,
  encodeUint64Frame,
} from '../../src/mux/encode.js';
import { extensionType, frameType } from '../../src/mux/frame.js';
import { encodeHello, parseHello, type LinkHello } from '../../src/mux/hello.js';

interface Vector {
  name: string;
  type: number;
  flags: number;
  id: string;
  hex: string;
  hello?: LinkHello;
  limit?: string;
  priority?: number;
  header?: string;
  value?: string;
  code?: number;
  payload?: string;
}

interface Golden {
  frames: Vector[];
  refused: { name: string; hex: string }[];
}

const read = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`../../fixtures/wire/${name}`, import.meta.url), 'utf8')) as Golden;

const golden = read('mux-v1.json');
const extensions = read('mux-v1-extensions.json');

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function encode(v: Vector): Uint8Array {
  const id = Number(v.id);
  if (v.hello) return encodeHello(v.type, v.hello);
  if (v.limit !== undefined)
    return encodeOpen(id, Number(v.limit), v.priority ?? 0, Buffer.from(v.header ?? '', 'hex'));
  if (v.value !== undefined) return encodeUint64Frame(v.type, id, Number(v.value));
  if (v.code !== undefined) return encodeCodeFrame(v.type, id, v.code);
  if (v.payload !== undefined) return encodeFrame(v.type, v.flags, id, Buffer.from(v.payload, 'hex'));
  return encodeClose(id);
}

/** What a decoder makes of the bytes, given one by one. */
function decode(bytes: Uint8Array): { seen: string[]; fault: string | undefined } {
  const seen: string[] = [];
  const decoder = new FrameDecoder(
    {
      control: (type, id, payload) => void seen.push(`${type} ${id} ${hex(payload)}`),
      dataStart: (id, flags, length) => void seen.push(`data ${id} ${flags} ${length}`),
      data: (piece) => void seen.push(hex(piece)),
      dataEnd: (id, flags) => void seen.push(`end ${id} ${flags}`),
    },
    { maxHeaderBytes: 4096, maxPayloadBytes: 16 * 1024 },
  );
  let fault: string | undefined;
  for (const byte of bytes) fault = decoder.push(Uint8Array.of(byte))?.reason;
  return { seen, fault };
}

describe('mux on the wire', () => {
  it('has a vector for every frame type', () => {
    const types = new Set(golden.frames.map((v) => v.type));
    expect([...types].sort((a, b) => a - b)).toEqual(Object.values(frameType).sort((a, b) => a - b));
    expect(extensions.frames.map((v) => v.type)).toEqual(Object.values(extensionType));
  });

  it.each([...golden.frames, ...extensions.frames])('encodes $name', (v) => {
    expect(hex(encode(v))).toBe(v.hex);
  });

  it.each([...golden.frames, ...extensions.frames])('decodes $name', (v) => {
    const { seen, fault } = decode(Buffer.from(v.hex, 'hex'));
    expect(fault).toBeUndefined();
    if (v.type === frameType.streamData) {
      const bytes = v.payload?.match(/../g) ?? [];
      expect(seen).toEqual([`data ${v.id} ${v.flags} ${bytes.length}`, ...bytes, `end ${v.id} ${v.flags}`]);
    } else expect(seen).toEqual([`${v.type} ${v.id} ${v.hex.slice(28)}`]);
  });

  it('reads the hello back, and ignores what a later version appends', () => {
    const hello = golden.frames[0]?.hello;
    const payload = Buffer.from(golden.frames[0]?.hex.slice(28) ?? '', 'hex');
    expect(parseHello(payload)).toEqual(hello);
    expect(parseHello(Buffer.concat([payload, Buffer.from('later')]))).toEqual(hello);
  });

  it.each([...golden.refused, ...extensions.refused])('refuses $name', ({ hex: bytes }) => {
    const { seen, fault } = decode(Buffer.from(bytes, 'hex'));
    expect(fault).toMatch(/./);
    expect(seen).toEqual([]);
  });

  it('skips unknown types from 80 up', () => {
    const unknown = encodeFrame(0x90, 0xff, 9, Buffer.from('whatever'));
    const { seen, fault } = decode(
      Buffer.concat([unknown, encodeFrame(0xff, 0, 0, Buffer.alloc(0)), encodeClose(1)]),
    );
    expect([seen, fault]).toEqual([['5 1 '], undefined]);
  });
});
