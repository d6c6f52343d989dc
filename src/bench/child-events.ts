import type { DoneEvent, LaneEvent, LaneProgress, ProgressEvent, XferEvent } from '../app/events.js';
import type { XferError } from '../errors/index.js';
import { objectOfLine } from './json-line.js';
import { toldError } from './told-error.js';

/** What one xfer under `--json` has told so far, the last of each. */
export class ChildEvents {
  address: string | undefined;
  isConnected = false;
  progress: ProgressEvent | undefined;
  /** The shortest round trip that a lane was told to have. */
  rttMs: number | undefined;
  /** The last that each lane was told to have reached, of those that are gone, too; by their numbers. */
  readonly lanes = new Map<number, LaneProgress>();
  done: DoneEvent | undefined;
  error: XferError | undefined;
  /** What else it said, the end of it. */
  rest = '';

  /** A line of its output; what is no event is kept, for whoever has to be told why there was none. */
  handleLine(line: string): void {
    const event = eventOf(line);
    if (!event) {
      this.rest = `${this.rest}${line}\n`.slice(-restBytes);
      return;
    }
    switch (event.event) {
      case 'listening':
        this.address = event.addresses[0] ?? '';
        break;
      case 'connected':
        this.isConnected = true;
        break;
      case 'progress':
        this.progress = event;
        for (const lane of event.lanes ?? []) this.lanes.set(lane.lane, lane);
        break;
      case 'lane':
        this.#handleLane(event);
        break;
      case 'done':
        this.done = event;
        break;
      case 'error':
        this.error = toldError(event);
        break;
      default:
    }
  }

  #handleLane({ numbers }: LaneEvent): void {
    const rttMs = numbers?.['minRttMs'] ?? numbers?.['rttMs'];
    if (rttMs !== undefined) this.rttMs = Math.min(rttMs, this.rttMs ?? Infinity);
  }
}

const restBytes = 1024;

/** They are of the same program. */
function eventOf(line: string): XferEvent | undefined {
  const event: Partial<XferEvent> = objectOfLine(line) ?? {};
  return typeof event.event === 'string' ? (event as XferEvent) : undefined;
}
