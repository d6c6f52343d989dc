import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { canonicalHost } from '../native/canonical-host.js';
import { resetCode, type Stream, type TransportTuning } from '../transport/contract.js';
import { printable } from '../transfer/printable.js';
import { pipeListenWords, recvWords, type Pipeline } from './child-words.js';
import { contentDigest } from './content-digest.js';
import type { BenchDirectory } from './directory.js';
import { LineStream, type LineLimits } from './line-stream.js';
import { countingWords, firstBytesWords, keepingWords, producerWords } from './piped-content.js';
import { loopback } from './places.js';
import { ProcessEnds } from './process-ends.js';
import { ServedChild, untold } from './served-child.js';
import { entriesOf, removeServed, servedDirectory } from './served-directory.js';
import { forgetSources, sourceFile } from './source-data.js';
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
  /** What went wrong here, in words that are not for strangers. */
  onNote(message: string): void;
}

const lineLimits: LineLimits = { maxBytes: 4 * 1024, maxLines: 8 };
/** A bench asks less often on one stream; each is answered once. */
const mostAsks = 16;
/** What these say is made here, of what was asked, and has no word about this machine in it. */
const told: ReadonlySet<string> = new Set([
  ...['ERR_XFER_PROTOCOL', 'ERR_XFER_REFUSED', 'ERR_XFER_NO_TRANSPORT', 'ERR_XFER_LIMIT'],
]);

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
  #silence: NodeJS.Timeout | undefined;
  #asks = 0;
  #hasEnded = false;
  #request: TransferRequest | undefined;
  #directory: BenchDirectory | undefined;
  #child: ServedChild | undefined;
  #hasFailed = false;

  constructor(stream: Stream, served: ServedTransfers | undefined) {
    this.#stream = stream;
    this.#served = served;
    this.#lines = new LineStream(stream, lineLimits);
    void stream.closed.then(() =>
      this.#over.abort(new XferError('ERR_XFER_INTERRUPTED', 'nobody asks any more')),
    );
  }

  /** Until whoever asks says no more, or nobody has said anything for too long. Does not reject. */
  async run(): Promise<void> {
    try {
      for (;;) {
        this.#watch();
        const line = await this.#lines.next();
        clearTimeout(this.#silence);
        if (!line) break;
        const asked = ++this.#asks > mostAsks ? undefined : readTransfersAsk(line);
        if (!asked) throw new XferError('ERR_XFER_PROTOCOL', 'this is nothing that a bench asks');
        await this.#handle(asked);
      }
    } catch (thrown) {
      this.#tellFailed(thrown);
    } finally {
      clearTimeout(this.#silence);
      await this.#child?.stop();
      await this.#remove();
      // Behind that: whoever sees the end may ask for the next one.
      this.#stream.closeWrite();
      this.#stream.stopReading(resetCode.cancelled);
    }
  }

  /** Whoever asks may wait for what runs, which says how far it is; else somebody has to say something. */
  #watch(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#stream.reset(resetCode.timeout), benchDefaults.processSilenceMs);
  }

  async #remove(): Promise<void> {
    const directory = this.#directory;
    if (!directory) return;
    forgetSources(directory.path);
    if (!(await removeServed(directory))) this.#served?.onNote(`cannot remove ${printable(directory.path)}`);
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
    this.#directory = await servedDirectory(served.directory, request);
    const options = await this.#options(this.#directory.path, request, served);
    this.#over.signal.throwIfAborted();
    const child = new ServedChild(options, {
      onLine: () => this.#silence?.refresh(),
      onEvent: (event) => this.#tell({ answer: 'event', event }),
      onError: ({ code, message }) => this.#note(code, message),
    });
    this.#child = child;
    void child.done().then(
      () => {
        this.#hasEnded = true;
        this.#tell({ answer: 'ended', cpuSeconds: child.cpuSeconds, output: child.output.slice(0, 256) });
      },
      (thrown: unknown) => this.#tellChildFailed(child, asXferError(thrown)),
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
      entriesOf(request),
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
    if (directory === undefined || !request || !this.#hasEnded)
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
    this.#note(code, message);
    if (told.has(code)) return this.#tell({ answer: 'failed', code, message, remedy });
    this.#tell({ answer: 'failed', code, ...untold });
  }

  /** In the words of a process there may be anything, whatever its code is. */
  #tellChildFailed({ events }: ServedChild, { code, message }: XferError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    // What it told itself has been noted.
    if (!events.error) this.#note(code, message);
    this.#tell({ answer: 'failed', code, ...untold });
  }

  #note(code: string, message: string): void {
    this.#served?.onNote(`a transfer of a bench failed: ${message} (${code})`);
  }
}

type Sent = NonNullable<Extract<TransferRequest, { pattern: 'pipe' }>['sent']>;

const arrivedIn = (directory: string): string => join(directory, 'arrived');
