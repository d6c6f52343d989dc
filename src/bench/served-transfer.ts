import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { asXferError, fileError, XferError } from '../errors/index.js';
import { canonicalHost } from '../native/canonical-host.js';
import { resetCode, type Stream, type TransportTuning } from '../transport/contract.js';
import { pipeListenWords, recvWords, type Pipeline } from './child-words.js';
import { contentDigest } from './content-digest.js';
import { ownDirectory, type BenchDirectory } from './directory.js';
import { LineStream } from './line-stream.js';
import { countingWords, firstBytesWords, keepingWords, producerWords } from './piped-content.js';
import { loopback } from './places.js';
import { ProcessEnds } from './process-ends.js';
import { ServedChild } from './served-child.js';
import { sourceFile } from './source-data.js';
import {
  readTransfersAsk,
  type TransferRequest,
  type TransfersAnswer,
  type TransfersAsk,
} from './transfers-message.js';
import type { XferChildOptions } from './xfer-child.js';

/** What whoever asks may have run here. */
export interface ServedTransfers {
  /** What is written lies in a directory of each transfer's own in it, which is removed behind it. */
  readonly directory: string;
  /** Where they listen. Default: any port. */
  readonly port?: number;
  readonly schemes: readonly string[];
  readonly tuning: TransportTuning;
}

/** Of what is free in that directory. */
const mostShareOfSpace = 1 / 2;
const pageBytes = 4096;

/**
 * The other end of one transfer, in a process that is started for it, as the stream asks; it takes and ends the stream. With no
 * `served` none is run here, and that is said. Resolves when nothing of it runs and nothing of it is left.
 */
export function serveTransfer(stream: Stream, served: ServedTransfers | undefined): Promise<void> {
  stream.accept();
  return new ServedTransfer(stream, served).run();
}

class ServedTransfer {
  readonly #stream: Stream;
  readonly #lines: LineStream;
  readonly #served: ServedTransfers | undefined;
  readonly #over = new AbortController();
  readonly #silence: NodeJS.Timeout;
  #request: TransferRequest | undefined;
  #directory: BenchDirectory | undefined;
  #child: ServedChild | undefined;
  #hasFailed = false;

  constructor(stream: Stream, served: ServedTransfers | undefined) {
    this.#stream = stream;
    this.#served = served;
    this.#lines = new LineStream(stream);
    this.#silence = setTimeout(() => stream.reset(resetCode.timeout), benchDefaults.processSilenceMs);
    void stream.closed.then(() =>
      this.#over.abort(new XferError('ERR_XFER_INTERRUPTED', 'nobody asks any more')),
    );
  }

  /** Until whoever asks says no more. Does not reject. */
  async run(): Promise<void> {
    try {
      for (let line = await this.#lines.next(); line; line = await this.#lines.next()) {
        const asked = readTransfersAsk(line);
        if (!asked) throw new XferError('ERR_XFER_PROTOCOL', 'this is nothing that a bench asks');
        this.#silence.refresh();
        await this.#handle(asked);
      }
    } catch (thrown) {
      this.#tellFailed(thrown);
    } finally {
      await this.#child?.stop();
      clearTimeout(this.#silence);
      await this.#directory?.remove();
      // Behind that: whoever sees the end may ask for the next one.
      this.#stream.closeWrite();
      this.#stream.stopReading(resetCode.cancelled);
    }
  }

  async #handle(asked: TransfersAsk): Promise<void> {
    switch (asked.ask) {
      case 'offer':
        return this.#tell({ answer: 'offer', takesFiles: this.#served !== undefined });
      case 'start':
        return this.#start(asked.request);
      case 'count':
        return this.#child?.countFromHere();
      case 'end-producer':
        return this.#child?.endProducer();
      case 'digest':
        return this.#tell({ answer: 'digest', digest: await this.#digest(asked.check, asked.sentBytes) });
    }
  }

  async #start(request: TransferRequest): Promise<void> {
    const served = this.#served;
    if (!served)
      throw new XferError('ERR_XFER_REFUSED', 'the other end takes no files', {
        remedy: 'start xfer bench --serve --files DIRECTORY there',
      });
    if (this.#request) throw new XferError('ERR_XFER_PROTOCOL', 'one transfer a stream');
    this.#request = request;
    const lacking = request.schemes.find((scheme) => !served.schemes.includes(scheme));
    if (lacking !== undefined)
      throw new XferError('ERR_XFER_NO_TRANSPORT', `the other end has no transport for ${lacking}://`);
    await checkSpace(served.directory, request);
    this.#directory = await ownDirectory(served.directory);
    const options = await this.#options(this.#directory.path, request, served);
    this.#over.signal.throwIfAborted();
    const child = new ServedChild(options, (event) => {
      this.#silence.refresh();
      this.#tell({ answer: 'event', event });
    });
    this.#child = child;
    void child.done().then(
      () => this.#tell({ answer: 'ended', cpuSeconds: child.cpuSeconds, output: child.output.slice(0, 256) }),
      // What it told of that has gone already.
      (thrown: unknown) => this.#tellFailed(thrown),
    );
  }

  async #options(
    directory: string,
    request: TransferRequest,
    { port, tuning }: ServedTransfers,
  ): Promise<XferChildOptions> {
    const { schemes, code, countsCpu, unsealedKey, recordBytes } = request;
    const secrets = { code, ...(unsealedKey === undefined ? {} : { unsealedKey }) };
    const isSealed = unsealedKey === undefined;
    const ends = new ProcessEnds(
      {
        ...{ directory, countsCpu, tuning, isSealed, hops: 0, place: loopback },
        ...(recordBytes === undefined ? {} : { recordBytes }),
      },
      { name: schemes.join(), schemes, isAuto: schemes.length > 1 },
      secrets,
    );
    const { host } = this.#stream.connection.local;
    const listen = ends.listen(canonicalHost(host) ?? host, port);
    if (request.pattern !== 'pipe') {
      const { bytes } = request;
      const files = request.pattern === 'file' ? 1 : request.count;
      const most = { maxBytes: bytes * files, maxFiles: files };
      return ends.end('receiver', 'far', recvWords(arrivedIn(directory), listen, tuning, most));
    }
    const { sent, keptBytes } = request;
    const pipeline: Pipeline = {
      consumer: keptBytes === undefined ? countingWords : keepingWords(arrivedIn(directory), keptBytes),
      ...(sent ? { producer: await this.#producer(directory, sent) } : {}),
    };
    return ends.end('receiver', 'far', pipeListenWords(listen, tuning, sent !== undefined), pipeline);
  }

  async #producer(directory: string, { bytes, sourceBytes }: Sent): Promise<readonly string[]> {
    const source = await sourceFile(directory, sourceBytes, this.#over.signal);
    return bytes < sourceBytes ? firstBytesWords(source, bytes) : producerWords(source, sourceBytes, bytes);
  }

  async #digest(check: 'sizes' | 'content', sentBytes: number | undefined): Promise<string> {
    const [directory, request] = [this.#directory?.path, this.#request];
    if (directory === undefined || !request)
      throw new XferError('ERR_XFER_PROTOCOL', 'nothing has arrived yet');
    const { signal } = this.#over;
    if (sentBytes !== undefined) {
      const sent = request.pattern === 'pipe' ? request.sent : undefined;
      if (!sent) throw new XferError('ERR_XFER_PROTOCOL', 'nothing was sent');
      const source = await sourceFile(directory, sent.sourceBytes, signal);
      return contentDigest(source, { check, firstBytes: sentBytes, signal });
    }
    const arrived = arrivedIn(directory);
    if (request.pattern === 'pipe') return contentDigest(arrived, { check, signal });
    // Under the name that it was sent by.
    const [name = ''] = await readdir(arrived).catch(() => []);
    return contentDigest(join(arrived, name), { check, signal });
  }

  #tell(answer: TransfersAnswer): void {
    this.#lines.send(answer);
  }

  /** Once: what comes behind is of that. */
  #tellFailed(thrown: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { code, message, remedy } = asXferError(thrown);
    this.#tell({ answer: 'failed', code, message: message.slice(0, 1024), remedy: remedy.slice(0, 1024) });
  }
}

type Sent = NonNullable<Extract<TransferRequest, { pattern: 'pipe' }>['sent']>;

const arrivedIn = (directory: string): string => join(directory, 'arrived');

async function checkSpace(directory: string, request: TransferRequest): Promise<void> {
  const wanted = wantedBytes(request);
  const { bavail, bsize } = await statfs(directory).catch((cause: unknown) => {
    throw fileError(cause, `cannot write in ${directory}`);
  });
  const free = bavail * bsize * mostShareOfSpace;
  if (wanted > free)
    throw new XferError(
      'ERR_XFER_LIMIT',
      `the other end takes ${Math.floor(free)} bytes, and this is ${wanted}`,
      {
        remedy: 'a smaller --size, or --files in a larger file system there',
      },
    );
}

/** In memory the smallest file takes a page. */
function wantedBytes(request: TransferRequest): number {
  if (request.pattern === 'file') return request.bytes;
  if (request.pattern === 'small-files')
    return Math.ceil(request.bytes / pageBytes) * pageBytes * request.count;
  return (request.keptBytes ?? 0) + (request.sent?.sourceBytes ?? 0);
}
