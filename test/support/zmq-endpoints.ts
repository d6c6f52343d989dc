import { zmq } from '@xfer/zmq';
import type { Endpoint, EndpointUse, MessageSink, MessageSource } from 'xfer/plugin';

/** Endpoints of a test, what they noted, and the end of them all. */
export class ZmqEndpoints {
  readonly notes: string[] = [];
  readonly #opened: Endpoint[] = [];

  async open(url: string, use: EndpointUse, aborting = new AbortController()): Promise<Endpoint> {
    const { signal } = aborting;
    const kind = await zmq().load();
    const endpoint = await kind.open(url, { use, signal, onNote: (note) => this.notes.push(note) });
    this.#opened.push(endpoint);
    return endpoint;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((endpoint) => endpoint.close()));
    this.notes.length = 0;
  }
}

export const sourceOf = (endpoint: Endpoint): MessageSource => endpoint.source as MessageSource;
export const sinkOf = (endpoint: Endpoint): MessageSink => endpoint.sink as MessageSink;
/** Where an endpoint that is bound once can be reached. */
export const addressOf = ({ label }: Endpoint): string => label.replace(/^.*?bind:/, '');
