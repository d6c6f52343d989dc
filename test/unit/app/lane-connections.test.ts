import { describe, expect, it } from 'vitest';
import { LaneConnections } from '../../../src/app/lane-connections.js';
import { XferError } from '../../../src/errors/index.js';
import type { Connection } from '../../../src/transport/contract.js';

describe('the connection of a lane that is gone', () => {
  const end = (error: XferError | undefined): string[] => {
    const ends: string[] = [];
    const connection = {
      remote: { scheme: 'tcp', host: 'h', port: 1 },
      close: () => Promise.resolve(void ends.push('closed')),
      abort: () => void ends.push('aborted'),
    } as unknown as Connection;
    const lanes = new LaneConnections();
    lanes.handleLane(3, connection);
    lanes.handleLaneDown(2, error);
    lanes.handleLaneDown(3, error);
    lanes.handleLaneDown(3, error);
    return ends;
  };

  it('is closed in order where the lane ended so, or where somebody is to hear why not', () => {
    expect(end(undefined)).toEqual(['closed']);
    expect(end(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'))).toEqual(['closed']);
  });

  it('is ended at once where nobody would answer', () => {
    expect(end(new XferError('ERR_XFER_CONNECTION_LOST', 'lost'))).toEqual(['aborted']);
  });
});
