/** What the two ends of the simulated transfer say to each other: the messages of a real one, without names. */
export type SimMessage =
  | { readonly type: 'manifest'; readonly sizes: readonly number[]; readonly pad: string }
  | { readonly type: 'finished'; readonly id: number }
  | { readonly type: 'end'; readonly entries: number; readonly records: number }
  | { readonly type: 'declared' }
  | { readonly type: 'received' | 'again'; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly type: 'committed' };

export const encodeSim = (message: SimMessage): Uint8Array => Buffer.from(JSON.stringify(message));
export const decodeSim = (body: Uint8Array): SimMessage =>
  JSON.parse(Buffer.from(body).toString()) as SimMessage;
