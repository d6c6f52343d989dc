/** 1 for an xfer bench that is to serve another one, see `near-process.ts`. */
export const nearVariable = 'XFER_BENCH_NEAR';
