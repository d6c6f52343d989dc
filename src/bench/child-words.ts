import type { TransportTuning } from '../transport/contract.js';

/** What stands before and behind an xfer in a pipe: real ones, as a shell makes them. */
export interface Pipeline {
  /** Its stdout is stdin of what runs; its process id is told on descriptor 3, so that it can be ended alone. */
  readonly producer?: readonly string[];
  readonly consumer?: readonly string[];
}

/** Which way a transfer goes, beside the two ends of it. */
export interface WayWords {
  readonly tuning: TransportTuning;
  readonly lanes?: number;
  /** URLs of relays, the nearest first. */
  readonly via: readonly string[];
  /** Transports that may be used, where the target names none. */
  readonly use?: readonly string[];
}

export function tuningWords({ congestion, mtuBytes, provider }: TransportTuning): string[] {
  return [
    ...(congestion === undefined ? [] : ['--cc', congestion]),
    ...(mtuBytes === undefined ? [] : ['--mtu', String(mtuBytes)]),
    ...(provider === undefined ? [] : ['--provider', provider]),
  ];
}

export function recvWords(
  directory: string,
  listen: readonly string[],
  tuning: TransportTuning,
  most?: { readonly maxBytes: number; readonly maxFiles: number },
): string[] {
  const limits = most ? ['--max-bytes', String(most.maxBytes), '--max-files', String(most.maxFiles)] : [];
  return [
    'recv',
    '--once',
    '--json',
    ...listenWords(listen),
    ...tuningWords(tuning),
    ...limits,
    '--',
    directory,
  ];
}

export function sendWords(source: string, target: string, way: WayWords): string[] {
  return ['send', '--json', ...wayWords(way), '--to', target, '--', source];
}

export function relayWords(listen: string, dial: string, tuning: TransportTuning): string[] {
  return ['relay', '--json', ...listenWords([listen]), '--dial', dial, ...tuningWords(tuning)];
}

/** With nothing beside it a pipe has stdin and stdout. */
export function pipeListenWords(
  listen: readonly string[],
  tuning: TransportTuning,
  isDuplex: boolean,
): string[] {
  return ['pipe', '--json', ...duplexWord(isDuplex), ...listenWords(listen), ...tuningWords(tuning)];
}

export function pipeDialWords(target: string, way: WayWords, isDuplex: boolean): string[] {
  return ['pipe', '--json', ...duplexWord(isDuplex), ...wayWords(way), target];
}

/**
 * The line of a shell that runs `command` between the ends of a pipeline. Its status is that of the last in the line, so
 * that of `command` has to be learnt elsewhere.
 */
export function pipelineScript(
  command: readonly string[],
  { producer, consumer }: Pipeline,
): readonly string[] {
  const parts = [
    ...(producer ? [`{ "$@" & echo "{\\"producer\\":$!}" >&3; wait "$!"; echo '{"producer":0}' >&3; }`] : []),
    quoted(command),
    ...(consumer ? [quoted(consumer)] : []),
  ];
  // The line itself may not be as long as all words together.
  return ['sh', '-c', parts.join(' | '), 'sh', ...(producer ?? [])];
}

const listenWords = (urls: readonly string[]): string[] => urls.flatMap((url) => ['--listen', url]);

const duplexWord = (isDuplex: boolean): string[] => (isDuplex ? ['--duplex'] : []);

function wayWords({ tuning, lanes, via, use }: WayWords): string[] {
  return [
    ...(lanes === undefined ? [] : ['--lanes', String(lanes)]),
    ...(use ?? []).flatMap((name) => ['--transport', name]),
    ...via.flatMap((relay) => ['--via', relay]),
    ...tuningWords(tuning),
  ];
}

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
