import { expect, it } from 'vitest';
import { ControlSender } from '../../../../plugins/udp/src/core/control-sender.js';
import { FrameWriter } from '../../../../plugins/udp/src/core/frame-writer.js';

it('control that was found lost and then acknowledged is not sent again, and does not end what is behind it', () => {
  const pulls = [Uint8Array.from([1, 2, 3]), Uint8Array.from([4, 5])];
  const control = new ControlSender(0, () => pulls.shift());
  const write = () => {
    const writer = new FrameWriter(1200);
    writer.begin(1000);
    return control.hasMore(1000) ? control.write(writer) : undefined;
  };
  expect(write()).toEqual({ from: 0, to: 5 });
  control.handleLost(0, 5);
  control.handleAcked(0, 3);
  expect(write()).toEqual({ from: 3, to: 5 });
  control.handleLost(3, 5);
  control.handleAcked(3, 5);
  expect(write()).toBeUndefined();
  expect(control.isIdle).toBe(true);
});
