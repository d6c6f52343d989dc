/** Opening header of the stream by which a dialer measures the path to a listener: `xfer` 06. */
export const measuringHeader: Uint8Array = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 6);

/**
 * What either side says on it, a byte each. From the dialer: PING, which the listener sends back at once, and CONTENT,
 * behind which all is content until FIN. From the listener: PING, REPORT with two numbers of 8 bytes behind it, and BUSY,
 * where it takes no content now. Its last report is followed by FIN.
 */
export const measuringByte = Object.freeze({ ping: 0, content: 1, report: 2, busy: 3 });

/** How much content came, and in what time since its first byte, by the listener's clock. */
export interface MeasuringReport {
  readonly bytes: number;
  readonly us: number;
}

export const reportBytes = 17;

export function isMeasuringHeader(header: Uint8Array): boolean {
  return Buffer.compare(header, measuringHeader) === 0;
}

export function encodeReport({ bytes, us }: MeasuringReport): Uint8Array {
  const out = new Uint8Array(reportBytes);
  const view = new DataView(out.buffer);
  out[0] = measuringByte.report;
  view.setBigUint64(1, BigInt(bytes));
  view.setBigUint64(9, BigInt(Math.round(us)));
  return out;
}

/** Of the 17 bytes that begin with REPORT. Numbers that are no safe integers come out as undefined. */
export function decodeReport(report: Uint8Array): MeasuringReport | undefined {
  const view = new DataView(report.buffer, report.byteOffset, report.byteLength);
  const [bytes, us] = [Number(view.getBigUint64(1)), Number(view.getBigUint64(9))];
  return Number.isSafeInteger(bytes) && Number.isSafeInteger(us) ? { bytes, us } : undefined;
}
