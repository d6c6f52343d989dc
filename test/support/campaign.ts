/**
 * How often a campaign tries: `usual` where everything is tested, `full` with XFER_TEST_FULL=1 (`npm run test:full`), which
 * takes long.
 */
export function tries(full: number, usual: number): number {
  return process.env['XFER_TEST_FULL'] === '1' ? full : usual;
}
