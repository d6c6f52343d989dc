import { XferError } from '../errors/index.js';

/** As the promise; rejects with ERR_XFER_TIMEOUT where that takes longer. */
export async function inTime<Value>(promise: Promise<Value>, ms: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new XferError('ERR_XFER_TIMEOUT', 'the other side took too long')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
