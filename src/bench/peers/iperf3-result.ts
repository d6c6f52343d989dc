import { number, object, optional, array, parse, safeParse, string, type InferOutput } from 'valibot';
import { XferError } from '../../errors/index.js';
import { objectOfLine } from '../json-line.js';
import type { PathFacts } from '../report.js';

/** What is used of the JSON that iperf3 prints; RFC 8259 numbers, all of them. */
const sum = object({ bytes: number(), seconds: number(), retransmits: optional(number()) });
const schema = object({
  start: object({ tcp_mss_default: optional(number()) }),
  end: object({
    streams: array(object({ sender: optional(object({ mean_rtt: optional(number()) })) })),
    sum_sent: sum,
    sum_received: sum,
    sum_sent_bidir_reverse: optional(sum),
    sum_received_bidir_reverse: optional(sum),
  }),
});
const failure = object({ error: string() });

export interface Iperf3Result {
  /** What arrived, both ways together. */
  readonly totalBytes: number;
  /** The longer of both ways, by whoever received. */
  readonly seconds: number;
  readonly path: PathFacts;
}

/** Rejects what is no result: it tells errors as JSON too, with status 1. */
export function iperf3Result(text: string): Iperf3Result {
  let report: InferOutput<typeof schema>;
  try {
    report = parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new XferError('ERR_XFER_COMMAND_FAILED', 'iperf3 printed something else than its results', {
      cause,
    });
  }
  const { start, end } = report;
  const received = [end.sum_received, end.sum_received_bidir_reverse].filter((one) => one !== undefined);
  const sent = [end.sum_sent, end.sum_sent_bidir_reverse].filter((one) => one !== undefined);
  const totalBytes = received.reduce((all, { bytes }) => all + bytes, 0);
  const seconds = Math.max(...received.map((one) => one.seconds));
  if (!(totalBytes > 0) || !(seconds > 0))
    throw new XferError('ERR_XFER_COMMAND_FAILED', 'iperf3 carried nothing');
  return {
    totalBytes,
    seconds,
    path: pathFacts(sent, start.tcp_mss_default, end.streams[0]?.sender?.mean_rtt),
  };
}

/** What it says of why it failed: in the same place as its results. undefined: it says nothing there. */
export function iperf3Error(text: string): string | undefined {
  const told = safeParse(failure, objectOfLine(text.trim()));
  return told.success ? told.output.error : undefined;
}

/** What was sent again stands for what was lost: it is told in segments. */
function pathFacts(
  sent: readonly InferOutput<typeof sum>[],
  segmentBytes: number | undefined,
  rttUs: number | undefined,
): PathFacts {
  const bytes = sent.reduce((all, one) => all + one.bytes, 0);
  const knowsLoss = segmentBytes !== undefined && sent.every(({ retransmits }) => retransmits !== undefined);
  const again = sent.reduce((all, { retransmits = 0 }) => all + retransmits, 0);
  return {
    ...(rttUs === undefined ? {} : { rttMs: rttUs / 1000 }),
    ...(knowsLoss && bytes > 0 ? { lossShare: Math.min(1, again / Math.ceil(bytes / segmentBytes)) } : {}),
  };
}
