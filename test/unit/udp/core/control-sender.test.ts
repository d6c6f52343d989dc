import { expect, it } from 'vitest';
import { ControlSender } from '../../../../plugins/udp/src/core/control-sender.js';
import { FrameWriter } from '../../../../plugins/udp/src/core/frame-writer.js';

const sender = (): { control: ControlSender; write: (room?: number) => string | undefined } => {
  const pieces = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6, 7)];
  const control = new ControlSender(10, () => pieces.shift());
  const writer = new FrameWriter(100);
  const write = (room = 9 + 3): string | undefined => {
    writer.begin(room);
    if (!control.hasMore(100)) return undefined;
    const range = control.write(writer);
    return range && `${range.from}-${range.to} ${Buffer.from(writer.take().subarray(9)).toString('hex')}`;
  };
  return { control, write };
};

it('control is cut to what fits, and what is lost goes again first', () => {
  const { control, write } = sender();
  expect([write(), write()]).toEqual(['10-13 010203', '13-16 040506']);
  control.handleLost(10, 13);
  expect([write(11), write(), write(), write()]).toEqual(['10-12 0102', '12-13 03', '16-17 07', undefined]);
  expect([control.unsentBytes, control.isIdle]).toEqual([0, false]);
  control.handleAcked(10, 17);
  expect(control.isIdle).toBe(true);
});

it('control that was found lost and has come after all does not go again', () => {
  const { control, write } = sender();
  write();
  write();
  write();
  control.handleLost(10, 16);
  control.handleAcked(10, 13);
  control.handleLost(10, 14);
  expect(control.unsentBytes).toBe(3);
  expect([write(), write()]).toEqual(['13-16 040506', undefined]);
});
