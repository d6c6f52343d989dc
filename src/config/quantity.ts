import { XferError } from '../errors/index.js';

/** Bytes in `256MiB`, `1.5GB` or a plain number. Throws ERR_XFER_USAGE. */
export function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const factor = byteUnits[unit ?? '?'];
  if (digits === undefined || factor === undefined) throw usage('size', text, '4096, 64KiB or 1.5GB');
  return whole(Number(digits) * factor, 'size', text);
}

/** Bytes a second in `400MB/s` or `80mbit`. Throws ERR_XFER_USAGE. */
export function parseRate(text: string): number {
  const [, digits, prefix] = /^(\d+(?:\.\d+)?) ?([kmgt]?)bit(?:\/s)?$/i.exec(text.trim()) ?? [];
  if (digits !== undefined && prefix !== undefined)
    return whole((Number(digits) * (bitPrefixes[prefix.toLowerCase()] ?? 1)) / 8, 'rate', text);
  const [, size, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)\/s$/.exec(text.trim()) ?? [];
  const factor = byteUnits[unit ?? '?'];
  if (size === undefined || factor === undefined) throw usage('rate', text, '400MB/s, 64KiB/s or 80mbit');
  return whole(Number(size) * factor, 'rate', text);
}

/** Milliseconds in `30s`, `500ms`, `5m`, `2h` or `0`. Throws ERR_XFER_USAGE; a timer takes 24 days at most. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|min|h)$/.exec(text.trim()) ?? [];
  if (/^0+$/.test(text.trim())) return 0;
  const factor = timeUnits[unit ?? ''];
  if (digits === undefined || factor === undefined) throw usage('duration', text, '30s, 500ms or 0');
  const ms = Math.round(Number(digits) * factor);
  if (ms > longestTimerMs) throw usage('duration', text, 'a duration of at most 24 days');
  return ms;
}

/** 0.1 in `10%`, and in `10`: above 0 and below 100. Throws ERR_XFER_USAGE, also for `0.1`, which may be a share or per cent. */
export function parsePercent(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?(%?)$/.exec(text.trim()) ?? [];
  const percent = Number(digits);
  if (unit === '' && percent > 0 && percent < 1) {
    const share = `${Number((100 * percent).toPrecision(6))}%`;
    throw usage('share with its %', text, `${share} for the share ${text.trim()}, or ${percent}%`);
  }
  if (!(percent > 0 && percent < 100)) throw usage('share between 0 and 100 %', text, '10% or 2.5%');
  return percent / 100;
}

/** `1.07 GB`: three digits, powers of 1000 as disks and networks count. */
export function formatSize(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < sizeNames.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${sizeNames[unit]}`;
}

/** `1.19 GB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`;
}

/** `0.9 s`, `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes are `B`, never `b`: who writes `Mb` may mean bits. */
const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const bitPrefixes: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, min: 6e4, h: 3.6e6 };
const sizeNames = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
const longestTimerMs = 2 ** 31 - 1;

const threeDigits = (value: number): string => value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

function whole(value: number, what: string, text: string): number {
  const rounded = Math.round(value);
  if (!Number.isSafeInteger(rounded)) throw usage(what, text, 'a number below 2^53');
  return rounded;
}

function usage(what: string, text: string, example: string): XferError {
  return new XferError('ERR_XFER_USAGE', `not a ${what}: ${JSON.stringify(text)}`, {
    remedy: `write ${example}`,
  });
}
