import type { DirectFile, SealPackedJob } from '../native/api.js';
import type { RecordHeader } from './record-header.js';

/** Content to be sealed and sent: a piece of a file, many small files, what somebody else puts into the record, or bytes in memory. */
export type ContentJob = FileContent | PackedContent | FilledContent | BodyContent;

export interface FileContent {
  readonly fd: number;
  /** As in SealFileJob. */
  readonly direct?: DirectFile | undefined;
  /** Its offset is that in the file, bodyBytes what is wanted of it. */
  readonly header: RecordHeader;
}

export interface PackedContent {
  readonly files: Pick<SealPackedJob, 'paths' | 'stamps'>;
  /** bodyBytes is what they have at most, packed. */
  readonly header: RecordHeader;
}

export interface FilledContent {
  /** Writes the body into `body`, which has the header's bodyBytes. */
  fill(body: Uint8Array): Promise<Filled>;
  readonly header: RecordHeader;
}

export interface BodyContent {
  /** As long as the header's bodyBytes. It stays as it is, must not be written to until `done`, and can be sent again after. */
  readonly body: Uint8Array;
  readonly header: RecordHeader;
}

/** What a body was filled with. */
export interface Filled {
  /** Of `body`, from its beginning. */
  readonly bodyBytes: number;
  readonly layout: number;
  /** What it stands for, before anything was done to it. */
  readonly contentBytes: number;
  readonly problems?: Int32Array;
}

/**
 * Called once, for a small BodyContent before the call that submits it returns, else from the loop later.
 * What was read: `bodyBytes` of content, `sealedBytes` of which the record carries. `problems` as for SealApi.sealPacked.
 */
export type ContentDone = (
  error: Error | null,
  bodyBytes: number,
  problems: Int32Array | undefined,
  sealedBytes: number,
) => void;
