import { expect } from 'vitest';
import type { Content } from '../../../src/mux/streams-link.js';
import { describeTwoCores, FuzzEnd, fuzzConfig } from '../../support/mux-fuzz.js';
import { StreamsInbox } from '../../support/streams-inbox.js';

type Parcel = { readonly control: Uint8Array; readonly at: number } | { readonly content: Content };

/** An end at a link that carries streams by itself: parcels arrive and are done with in any order. */
class StreamsEnd extends FuzzEnd {
  readonly inbox: StreamsInbox = new StreamsInbox({
    control: (bytes) => this.#takeControl(bytes),
    content: (id, bytes, fin) =>
      expect(this.core.handleContent(this.now, id, bytes, fin)?.reason).toBeUndefined(),
    limitOf: (id) => this.core.limitOf(id),
  });
  #parcels: Parcel[] = [];
  /** What arrived, and is not known to: it might have to be sent again. */
  #arrived: { readonly content: Content; readonly bytes: Buffer }[] = [];
  #controlSent = 0;

  constructor(dialer: boolean) {
    super({ dialer, config: fuzzConfig, hello: false, contentBeside: true });
  }

  override get kept(): number {
    return this.inbox.streams;
  }

  flush(maxBytes: number): boolean {
    const control = this.core.pollControl(this.now, Math.ceil(maxBytes / 10));
    if (control) this.#parcels.push({ control, at: this.#controlSent++ });
    const aloneBytes = maxBytes % 2 === 0 ? undefined : Math.ceil(maxBytes / 4);
    const content = this.core.pollContent(this.now, maxBytes, aloneBytes);
    if (!content) return control !== undefined;
    expect(content.bytes).toBeLessThanOrEqual(maxBytes);
    this.#parcels.push({ content });
    return true;
  }

  finish(pick: number): boolean {
    const [one] = this.#arrived.splice(pick % Math.max(1, this.#arrived.length), 1);
    if (!one) return false;
    expect(Buffer.concat(one.content.chunks).equals(one.bytes)).toBe(true);
    one.content.done();
    return true;
  }

  deliver(to: FuzzEnd, pick: number): boolean {
    const [parcel] = this.#parcels.splice(pick % Math.max(1, this.#parcels.length), 1);
    if (!parcel || !(to instanceof StreamsEnd)) return false;
    const { inbox } = to;
    if ('control' in parcel) inbox.handleControl(parcel.at, parcel.control);
    else {
      const { content } = parcel;
      const bytes = Buffer.concat(content.chunks);
      expect(bytes.length).toBe(content.bytes);
      this.#arrived.push({ content, bytes });
      inbox.handleContent(content.streamId, content.offset, Buffer.from(bytes), content.fin);
    }
    return true;
  }

  override handleLeft(id: number): void {
    super.handleLeft(id);
    this.inbox.forget(id);
    const isGone = (parcel: Parcel): boolean => 'content' in parcel && parcel.content.streamId === id;
    const gone = this.#parcels.filter(isGone);
    this.#parcels = this.#parcels.filter((parcel) => !isGone(parcel));
    for (const parcel of gone)
      if ('content' in parcel)
        this.#arrived.push({ content: parcel.content, bytes: Buffer.concat(parcel.content.chunks) });
  }

  #takeControl(bytes: Uint8Array): void {
    const known = this.streams.length;
    expect(this.core.handleData(this.now, bytes)?.reason).toBeUndefined();
    bytes.fill(0xdd);
    for (const stream of this.streams.slice(known)) this.inbox.opened(stream.id);
  }
}

describeTwoCores('two cores on a link that carries streams by itself', () => [
  new StreamsEnd(true),
  new StreamsEnd(false),
]);
