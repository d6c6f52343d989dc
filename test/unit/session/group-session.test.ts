import { describe, expect, it } from 'vitest';
import { turns, until } from '../../../src/compliance/pair.js';
import { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import type { GroupOffer } from '../../../src/session/group-membership.js';
import type { Session } from '../../../src/session/session.js';
import { decodeGroupHeader } from '../../../src/session/stream-headers.js';
import { openErrorCode, resetCode } from '../../../src/transport/contract.js';
import { HandStream } from './hand-stream.js';
import { attach, begin, carry } from './session-kit.js';

const epoch = new Uint8Array(16).fill(5);

/** A stream that knows what became of it. */
class KnockingStream extends HandStream {
  isAccepted = false;
  refusedWith: number | undefined;
  override accept = (): void => void (this.isAccepted = true);
  override refuse = (code: number): void => void (this.refusedWith = code);
}

async function sessions(): Promise<{ sender: Session; receiver: Session }> {
  const native = nativeApi();
  const [near, far] = [begin('dialer', { native }), begin('listener', { native })];
  carry(near.stream, far.stream);
  const [sender, receiver] = await Promise.all([near.establishing, far.establishing]);
  attach(sender);
  attach(receiver);
  return { sender, receiver };
}

/** A stream as the sender opens it. */
function knock(sender: Session, receiver: Session, change: (header: Uint8Array) => void = () => undefined) {
  const { lane, header } = sender.nameGroupLane(epoch);
  change(header);
  const stream = new KnockingStream();
  const decoded = decodeGroupHeader(header);
  if (!decoded) throw new Error('it is no header of a group');
  const come = () => receiver.acceptGroupLane(stream, decoded);
  return { lane, stream, decoded, come };
}

function offer(receiver: Session, lane: number, other: Partial<GroupOffer> = {}) {
  const told: string[] = [];
  const isFirst = receiver.group.offer(
    { lane, epoch, key: new Uint8Array(32).fill(6), cipher: 1, ...other },
    { onJoined: () => told.push('joined'), onLost: ({ code }) => told.push(code) },
  );
  return { told, isFirst };
}

describe('a lane of a group that comes to a session', () => {
  it('joins when the sender has told of it, whichever comes first', async () => {
    for (const isOfferedFirst of [true, false]) {
      const { sender, receiver } = await sessions();
      const { lane, stream, come } = knock(sender, receiver);
      if (!isOfferedFirst) come();
      const { told } = offer(receiver, lane);
      if (isOfferedFirst) come();
      expect([told, stream.isAccepted, stream.hasEnded]).toEqual([['joined'], true, true]);
      expect(receiver.laneCount).toBe(2);
    }
  });

  it('is refused without the proof of this session, lane and epoch', async () => {
    for (const at of [21 + 7, 29, 29 + 16, 76]) {
      const { sender, receiver } = await sessions();
      const { come, stream } = knock(sender, receiver, (header) => (header[at] = (header[at] ?? 0) ^ 2));
      expect(come).toThrow(expect.objectContaining({ code: 'ERR_XFER_HANDSHAKE' }));
      expect([stream.refusedWith, stream.isAccepted]).toEqual([openErrorCode.refused, false]);
    }
  });

  it('comes once: a number is used up by it, and there is no second one', async () => {
    const { sender, receiver } = await sessions();
    const first = knock(sender, receiver);
    first.come();
    const replay = new KnockingStream();
    expect(() => receiver.acceptGroupLane(replay, first.decoded)).toThrow('may not join');
    const second = knock(sender, receiver);
    expect(second.come).toThrow('may not join');
    expect([replay.refusedWith, second.stream.refusedWith]).toEqual([
      openErrorCode.resourceLimit,
      openErrorCode.resourceLimit,
    ]);
  });

  it('cannot come back when it is lost', async () => {
    const { sender, receiver } = await sessions();
    const first = knock(sender, receiver);
    first.come();
    const { told } = offer(receiver, first.lane);
    first.stream.deliverReset(resetCode.internal);
    expect(told).toEqual(['joined', 'ERR_XFER_CONNECTION_LOST']);
    const again = knock(sender, receiver);
    expect(again.come).toThrow('may not join');
  });

  it('does not come to the side that dials', async () => {
    const { sender, receiver } = await sessions();
    const { decoded } = knock(sender, receiver);
    expect(() => sender.acceptGroupLane(new KnockingStream(), decoded)).toThrow('may not join');
  });

  it('is let go where the sender tells of another', async () => {
    for (const other of [{ lane: 9 }, { epoch: new Uint8Array(16) }]) {
      const { sender, receiver } = await sessions();
      const { lane, stream, come } = knock(sender, receiver);
      come();
      expect(offer(receiver, lane, other).told).toEqual(['ERR_XFER_PROTOCOL']);
      expect(stream.resetWith).toBe(resetCode.protocol);
    }
  });

  it('is told of once, and takes no digests before it is there', async () => {
    const { sender, receiver } = await sessions();
    const { lane, come } = knock(sender, receiver);
    expect(receiver.group.handleDigests(0, new Uint8Array(32))).toBe(false);
    come();
    expect(receiver.group.handleDigests(0, new Uint8Array(32))).toBe(false);
    expect(offer(receiver, lane).isFirst).toBe(true);
    expect(receiver.group.handleDigests(0, new Uint8Array(32))).toBe(true);
    expect(offer(receiver, lane).isFirst).toBe(false);
  });

  it('ends with its session, waiting or not', async () => {
    const { sender, receiver } = await sessions();
    const { stream, come } = knock(sender, receiver);
    come();
    receiver.finish();
    sender.finish();
    receiver.abort(new XferError('ERR_XFER_INTERRUPTED', 'x'));
    await turns(5);
    await until(() => stream.resetWith !== undefined);
    expect(stream.resetWith).toBe(resetCode.cancelled);
    const late = new KnockingStream();
    expect(() => receiver.acceptGroupLane(late, knock(sender, receiver).decoded)).toThrow();
    expect(late.refusedWith).toBe(openErrorCode.routeNotFound);
  });
});
