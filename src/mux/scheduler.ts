import type { CoreStream } from './core-stream.js';

interface Level {
  readonly priority: number;
  readonly streams: CoreStream[];
  head: number;
}

/** Who sends next: higher priorities first, within one priority in turns, a frame a turn. */
export class Scheduler {
  /** Highest first; at most one level for each of the 256 priorities. */
  readonly #levels: Level[] = [];

  get isEmpty(): boolean {
    return this.#levels.every(({ streams }) => streams.length === 0);
  }

  add(stream: CoreStream): void {
    if (stream.scheduled) return;
    stream.scheduled = true;
    this.#level(stream.priority).streams.push(stream);
  }

  /** Takes the next one out; whoever has more to send is added again. */
  take(): CoreStream | undefined {
    for (const level of this.#levels) {
      const stream = level.streams[level.head];
      if (!stream) continue;
      level.head++;
      if (level.head === level.streams.length) {
        level.streams.length = 0;
        level.head = 0;
      } else if (level.head >= 64 && level.head * 2 > level.streams.length) {
        level.streams.splice(0, level.head);
        level.head = 0;
      }
      stream.scheduled = false;
      return stream;
    }
    return undefined;
  }

  #level(priority: number): Level {
    let at = 0;
    for (; at < this.#levels.length; at++) {
      const level = this.#levels[at];
      if (level?.priority === priority) return level;
      if (level && level.priority < priority) break;
    }
    const level: Level = { priority, streams: [], head: 0 };
    this.#levels.splice(at, 0, level);
    return level;
  }
}
