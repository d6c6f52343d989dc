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
 * Which of the cases of a matrix run: with XFER_TEST_FULL=1 all of them, else those of `usual`, among which every value of
 * every dimension is to be found once at least.
 */
export function chosen<Case>(
  all: readonly Case[],
  usual: (one: Case, at: number) => boolean,
): readonly Case[] {
  return isFull ? all : all.filter(usual);
}
