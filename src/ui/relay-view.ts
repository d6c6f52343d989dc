import type { RelayStatus } from '../app/relay-status.js';
import { XferError } from '../errors/index.js';
import type { RelayObserver } from '../relay/observer.js';
import { jsonSink, lineSink, type LogLevel } from './log-sink.js';
import { ndjsonView } from './ndjson-view.js';
import { RelayLog } from './relay-log.js';
import type { View } from './view.js';

export interface RelayViewFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly dashboard: boolean;
  /** Default: info, and error where it is to be quiet. */
  readonly logLevel?: LogLevel | undefined;
}

/** What a relay shows, and how it is told. */
export interface RelayView {
  readonly view: View;
  readonly observer?: RelayObserver;
  onStatus?(status: RelayStatus): void;
}

/**
 * A dashboard, or a log on stderr: lines for a person at a terminal, else JSON. `--json` adds the events on stdout. Rejects
 * with ERR_XFER_USAGE for a dashboard without a terminal.
 */
export async function relayView(flags: RelayViewFlags): Promise<RelayView> {
  const { json, quiet, dashboard, logLevel = quiet ? 'error' : 'info' } = flags;
  if (dashboard) return dashboardView();
  const isForPeople = process.stderr.isTTY && !json;
  const sink = isForPeople
    ? lineSink(logLevel, (text) => process.stderr.write(text))
    : await jsonSink(logLevel);
  const log = new RelayLog(sink);
  if (!json) return { view: log, observer: log };
  return {
    view: both(
      ndjsonView((text) => process.stdout.write(text)),
      log,
    ),
    observer: log,
  };
}

async function dashboardView(): Promise<RelayView> {
  if (!process.stderr.isTTY || !process.stdin.isTTY || process.env['TERM'] === 'dumb')
    throw new XferError('ERR_XFER_USAGE', '--dashboard needs a terminal', {
      remedy: 'leave it out: --metrics HOST:PORT and --json are for programs',
    });
  const { DashboardScreen } = await import('./dashboard-view.js');
  const view = new DashboardScreen();
  return { view, onStatus: (status) => view.show(status) };
}

function both(first: View, second: View): View {
  return {
    onEvent: (event) => {
      first.onEvent(event);
      second.onEvent(event);
    },
    suspended: (work) => first.suspended(work),
    close: async () => {
      await first.close();
      await second.close();
    },
  };
}
