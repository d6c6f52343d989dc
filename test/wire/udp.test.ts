import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Acknowledger } from '../../plugins/udp/src/core/acknowledger.js';
import { FrameReader, type FrameHandler } from '../../plugins/udp/src/core/frame-reader.js';
import { FrameWriter } from '../../plugins/udp/src/core/frame-writer.js';

interface Golden {
  frames: { name: string; hex: string; seen: string }[];
  refused: { name: string; hex: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/udp-v1.json', import.meta.url), 'utf8'),
) as Golden;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a reader makes of the frames. */
function read(frames: string): { seen: string[]; fault: string | undefined } {
  const seen: string[] = [];
  const handler: FrameHandler = {
    handleAck(ack) {
      const ranges = Array.from({ length: ack.count }, (_, at) => `${ack.first(at)}-${ack.last(at)}`);
      seen.push(`ack ${ranges.join(' ')}, ${ack.delayMs} ms, ${ack.creditBytes} bytes, ${ack.marked} marked`);
      return undefined;
    },
    handleControlData(offset, bytes) {
      seen.push(`control ${offset} ${hex(bytes)}`);
      return undefined;
    },
    handlePathChallenge: (token) => void seen.push(`challenge ${hex(token)}`),
    handlePathResponse: (token) => void seen.push(`response ${hex(token)}`),
    handleClose: (code, reason) => void seen.push(`close ${code} ${reason}`),
  };
  return { seen, fault: new FrameReader().read(Buffer.from(frames, 'hex'), handler) };
}

describe('frames of udp on the wire', () => {
  it.each(golden.frames)('read: $name', ({ hex: frames, seen }) => {
    expect(read(frames)).toEqual({ seen: seen === '' ? [] : [seen], fault: undefined });
  });

  it('read one behind the other', () => {
    // No packet has two ACKs.
    const [first] = golden.frames.filter(({ seen }) => seen.startsWith('ack'));
    const frames = golden.frames.filter((one) => one === first || !one.seen.startsWith('ack'));
    const { seen, fault } = read(frames.map((vector) => vector.hex).join(''));
    expect([seen, fault]).toEqual([frames.map((one) => one.seen).filter((one) => one !== ''), undefined]);
  });

  it.each(golden.refused)('refused: $name', ({ hex: frames }) => {
    const { seen, fault } = read(frames);
    expect(fault).toMatch(/./);
    expect(seen).toEqual([]);
  });

  it('written', () => {
    const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const writes: Record<string, (writer: FrameWriter) => void> = {
      PING: (writer) => writer.ping(),
      CONTROL_DATA: (writer) => {
        writer.controlData(2 ** 32 + 2, 3);
        writer.raw(Uint8Array.of(0xaa, 0xbb, 0xcc));
      },
      PATH_CHALLENGE: (writer) => writer.pathChallenge(token),
      PATH_RESPONSE: (writer) => writer.pathResponse(token),
      CLOSE: (writer) => writer.close(258, 'übe'),
      'ACK of one range': (writer) => void acknowledged([[1, 7, 3]], 64 * 1024 * 1024).write(2.5, writer),
      'ACK of three ranges': (writer) => {
        const base = 2 ** 32;
        const runs: Run[] = [
          [base + 8, 2, 0],
          [base, 3, 0],
          [base + 6, 1, 0],
        ];
        acknowledged(runs, 16 * 1024).write(0, writer);
      },
    };
    for (const [name, write] of Object.entries(writes)) {
      const writer = new FrameWriter(1000);
      writer.begin(1000);
      write(writer);
      expect([name, hex(writer.take())]).toEqual([
        name,
        golden.frames.find((vector) => vector.name === name)?.hex,
      ]);
    }
  });
});

/** First number, packets, marks. */
type Run = readonly [number, number, number];

function acknowledged(runs: readonly Run[], creditBytes: number): Acknowledger {
  const acknowledger = new Acknowledger({ maxAckDelayMs: 5, maxAckRanges: 10, creditBytes });
  for (const [number, packets, marked] of runs)
    acknowledger.handlePackets(0, number, packets, { marked, isEliciting: true, isUrgent: false });
  return acknowledger;
}
