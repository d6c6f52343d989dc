/** Whether everything is tried as often as it can be, which takes long: `npm run test:full`. */
export const isFull = process.env['XFER_TEST_FULL'] === '1';

/**
 * How often a campaign tries: `usual` where everything is tested, `full` with XFER_TEST_FULL=1 (`npm run test:full`), which
 * takes long.
 */
export function tries(full: number, usual: number): number {
  return isFull ? full : usual;
}

/**
 * Which cases of a matrix run: `all` of them with XFER_TEST_FULL=1, else those of `usual`, in which every value of every
 * dimension is to be found at least once.
 */
export function chosen<Case>(all: readonly Case[], usual: readonly Case[]): readonly Case[] {
  return isFull ? all : usual;
}
