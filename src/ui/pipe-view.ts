import type { ErrorEvent, XferEvent } from '../app/events.js';
import { lineView } from './line-view.js';
import { ndjsonView } from './ndjson-view.js';
import { PvLine } from './pv-line.js';
import type { PipeUse } from './send-commands.js';
import { errorLines, explainLine, noteLine, pipeListening } from './sentences.js';
import type { View, Write } from './view.js';
import { writeTogether } from './write-together.js';

export interface PipeViewOptions {
  /** Events for programs: on stderr, as stdout is content. */
  readonly json: boolean;
  /** Errors, a code that was just made, and what `meter` shows. */
  readonly quiet: boolean;
  /** `--pv`. */
  readonly meter: boolean;
  readonly use: PipeUse;
}

/**
 * What a pipe shows, all of it on stderr. Without `meter` it says as little as `ssh` does: stderr belongs to the programs
 * of the pipeline too.
 */
export function pipeView(options: PipeViewOptions, stderr: NodeJS.WriteStream = process.stderr): View {
  if (options.json) return ndjsonView(writeTogether(stderr));
  const isTerminal = stderr.isTTY && process.env['TERM'] !== 'dumb';
  if (options.meter) return meterView(options, stderr, isTerminal);
  return lineView((event) => stderr.write(sentenceOf(event, options, isTerminal)));
}

/** Whole lines, or nothing. */
function sentenceOf(event: XferEvent, { quiet, use }: PipeViewOptions, isTerminal: boolean): string {
  switch (event.event) {
    case 'listening':
      return quiet && event.code === undefined ? '' : pipeListening(event, use, isTerminal);
    case 'note':
      return quiet ? '' : `${noteLine(event)}\n`;
    case 'explain':
      return quiet ? '' : `${explainLine(event)}\n`;
    case 'error':
      return isSilent(event) ? '' : errorLines(event);
    case 'connected':
    case 'progress':
    case 'lane':
    case 'phase':
    case 'done':
      return '';
  }
}

/** A program that SIGPIPE ends says nothing either; the exit status tells. Of one of several targets it is told. */
const isSilent = ({ code, target }: ErrorEvent): boolean =>
  code === 'ERR_XFER_BROKEN_PIPE' && target === undefined;

/** On a terminal a line that is drawn again and again, elsewhere one now and then. */
function meterView(options: PipeViewOptions, stderr: NodeJS.WriteStream, isTerminal: boolean): View {
  let meter: PvLine | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isHidden = false;
  const write: Write = (text) => void stderr.write(text);
  const draw = (): void => {
    if (meter === undefined || isHidden) return;
    const now = performance.now();
    write(isTerminal ? `${clear}${meter.text(now, (stderr.columns || 80) - 1)}` : `${meter.line(now)}\n`);
  };
  const begin = (): void => {
    if (meter !== undefined) return;
    meter = new PvLine(performance.now());
    timer = setInterval(draw, isTerminal ? redrawMs : lineMs).unref();
  };
  return {
    onEvent: (event) => {
      if (event.event === 'connected') begin();
      if (event.event === 'progress') {
        begin();
        meter?.handleProgress(event);
      }
      const sentence = sentenceOf(event, options, isTerminal);
      if (sentence !== '') write(isTerminal && meter !== undefined ? `${clear}${sentence}` : sentence);
    },
    suspended: async (work) => {
      isHidden = true;
      try {
        return await work();
      } finally {
        isHidden = false;
      }
    },
    close: () => {
      clearInterval(timer);
      if (meter !== undefined) write(`${isTerminal ? clear : ''}${meter.summary(performance.now())}\n`);
      meter = undefined;
      return Promise.resolve();
    },
  };
}

/** To the beginning of the line, and what is behind it erased (ECMA-48 EL). */
const clear = '\r\u001b[K';
const redrawMs = 250;
const lineMs = 5_000;
