import { describe, expect, it, vi } from 'vitest';
import { runField, type PacketBatch, type PacketSocket, type SocketAddress } from 'xfer/plugin';
import { ConnectionDriver } from '../../../plugins/udp/src/connection-driver.js';
import { Endpoint } from '../../../plugins/udp/src/endpoint.js';
import type { ConnectionCoreApi, RunToSend } from '../../../plugins/udp/src/core/contract.js';

const run = (): RunToSend => ({
  kind: 'run',
  ...{ path: 0, number: 1, packets: 1, streamId: 1, offset: 0, fin: false, packetBytes: 1, bytes: 1 },
  chunks: [Uint8Array.of(1)],
});

/** A core that has nothing to do but what a test gives it. */
function coreWith(parts: Partial<ConnectionCoreApi>): ConnectionCoreApi {
  return {
    nextTimeout: Infinity,
    handleRun: vi.fn(),
    handlePacket: vi.fn(),
    handleBatchEnd: vi.fn(),
    ready: vi.fn(),
    forget: vi.fn(),
    opened: vi.fn(),
    poll: vi.fn(),
    handleTimeout: vi.fn(),
    close: vi.fn(),
    abort: vi.fn(),
    stats: vi.fn(),
    ...parts,
  };
}

/** A socket that takes everything, and is full after `room` calls of `sendRuns`. */
function socketWith(room = Infinity) {
  const sentBy: number[] = [];
  let left = room;
  let count = 0;
  const handlers: { packets?: (batch: PacketBatch) => void; writable?: () => void } = {};
  const socket = {
    sendRuns: vi.fn((runs: number, fields: Float64Array) => {
      if (left <= 0) return 0;
      left--;
      sentBy.push(fields[runField.connection] ?? -1);
      return runs;
    }),
    sendControl: vi.fn(() => true),
    addConnection: () => count++,
    removeConnection: vi.fn(),
    close: vi.fn(),
    get isFull() {
      return left <= 0;
    },
    onPackets: (handler: (batch: PacketBatch) => void) => (handlers.packets = handler),
    onWritable: (handler: () => void) => (handlers.writable = handler),
    onUnreachable: vi.fn(),
    onError: vi.fn(),
  };
  const hasRoom = (calls: number): void => {
    left = calls;
    handlers.writable?.();
  };
  return { socket: socket as unknown as PacketSocket, mocks: socket, sentBy, hasRoom };
}

const thrown = new RangeError('stream 4294967297');
const throwing = (): never => {
  throw thrown;
};

describe('what throws while a connection is at work', () => {
  it.each<[string, Partial<ConnectionCoreApi>, (driver: ConnectionDriver) => void]>([
    ['a run that comes', { handleRun: throwing }, (driver) => driver.handleRun(0, {} as never)],
    ['control that comes', { handlePacket: throwing }, (driver) => driver.handlePacket(0, {} as never)],
    ['the end of a batch', { handleBatchEnd: throwing }, (driver) => driver.handleBatchEnd(0)],
    ['what is polled', { poll: vi.fn().mockImplementationOnce(throwing) }, (driver) => driver.flush()],
  ])('ends it: %s', (_what, parts, work) => {
    const handleThrown = vi.fn();
    const driver = new ConnectionDriver(coreWith(parts), socketWith().socket, 0, { handleThrown }, vi.fn());
    work(driver);
    expect(handleThrown.mock.calls).toEqual([[thrown]]);
  });

  it('ends it, where it is the socket; what was gathered is dropped and the end still goes', async () => {
    const { socket, mocks } = socketWith();
    mocks.sendRuns.mockImplementationOnce(throwing);
    const end = { kind: 'control', path: 0, number: 2, frames: Uint8Array.of(6) } as const;
    const poll = vi.fn().mockReturnValueOnce(run()).mockReturnValueOnce(undefined).mockReturnValueOnce(end);
    const onIdle = vi.fn();
    const driver = new ConnectionDriver(coreWith({ poll }), socket, 0, { handleThrown: vi.fn() }, onIdle);
    driver.flush();
    expect(onIdle).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(mocks.sendControl).toHaveBeenCalledTimes(1);
    expect(mocks.sendRuns).toHaveBeenCalledTimes(1);
    expect(onIdle).toHaveBeenCalledTimes(1);
  });

  it('drops it, where even ending it throws', () => {
    const onIdle = vi.fn();
    const driver = new ConnectionDriver(
      coreWith({ poll: throwing }),
      socketWith().socket,
      0,
      { handleThrown: throwing },
      onIdle,
    );
    driver.flush();
    expect(onIdle).toHaveBeenCalled();
  });

  it('in a timer ends it, too', async () => {
    vi.useFakeTimers();
    try {
      const handleThrown = vi.fn();
      const core = { ...coreWith({ handleTimeout: throwing }), nextTimeout: performance.now() + 5 };
      new ConnectionDriver(core, socketWith().socket, 0, { handleThrown }, vi.fn()).flush();
      await vi.advanceTimersByTimeAsync(10);
      expect(handleThrown).toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a queue that is full again and again', () => {
  it('has room for each connection in turns', () => {
    const { socket, sentBy, hasRoom } = socketWith(0);
    const endpoint = new Endpoint(socket, {
      handleStray: vi.fn(),
      handleUnreachable: vi.fn(),
      handleError: vi.fn(),
    });
    const remote: SocketAddress = { host: '192.0.2.1', port: 1 };
    const keys = {} as Parameters<Endpoint['add']>[0];
    // Each always has more than goes.
    for (let i = 0; i < 3; i++)
      endpoint
        .add(keys, remote, coreWith({ poll: run, nextTimeout: 1e9 }), { handleThrown: throwing })
        .flush();
    expect(sentBy).toEqual([]);
    for (let turn = 0; turn < 6; turn++) hasRoom(1);
    endpoint.closeWhenIdle();
    expect([...sentBy].sort()).toEqual([0, 0, 1, 1, 2, 2]);
  });
});
