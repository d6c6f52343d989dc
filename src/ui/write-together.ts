import type { Write } from './view.js';

interface Corkable {
  cork(): void;
  uncork(): void;
  write(text: string): boolean;
}

/**
 * Writes what is said in one go of the loop with one call of the system: who receives a thousand files a second says
 * several things of each. What is written behind it comes behind it.
 */
export function writeTogether(stream: Corkable): Write {
  let isCorked = false;
  return (text) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      process.nextTick(() => {
        isCorked = false;
        stream.uncork();
      });
    }
    stream.write(text);
  };
}
