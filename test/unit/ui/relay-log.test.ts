import { describe, expect, it } from 'vitest';
import { jsonSink, lineSink, type LogLevel, type LogSink } from '../../../src/ui/log-sink.js';
import { RelayLog } from '../../../src/ui/relay-log.js';
import { hop, known } from './relay-kit.js';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A log at some time, and its lines so far. */
async function jsonLog(level: LogLevel = 'info') {
  let text = '';
  const clock = { now: 0 };
  const sink = await jsonSink(level, { write: (line) => (text += line) });
  const lines = (): Line[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  return { log: new RelayLog(sink, () => clock.now), lines, clock, text: () => text };
}

function lineLog(level: LogLevel): { log: RelayLog; text: () => string } {
  let text = '';
  const sink: LogSink = lineSink(level, (line) => (text += line));
  return { log: new RelayLog(sink, () => 0), text: () => text };
}

describe('the log of a relay, for programs', () => {
  it('tells where it listens, who comes and who goes', async () => {
    const { log, lines, clock } = await jsonLog();
    log.onEvent({
      event: 'listening',
      addresses: ['tcp://[::]:1', 'wss://[::]:2'],
      metrics: 'http://x/metrics',
    });
    log.onConnect(hop());
    log.onIdentify(hop({ peer: known('alice') }), 12.34567);
    clock.now = 2500;
    log.onDisconnect(hop({ bytesFrom: 10, bytesTo: 20 }), undefined);
    log.onEvent({ event: 'note', message: 'relay.json was read again' });
    expect(lines()).toMatchObject([
      {
        level: 'info',
        msg: 'listening',
        addresses: ['tcp://[::]:1', 'wss://[::]:2'],
        metrics: 'http://x/metrics',
      },
      { level: 'info', msg: 'connected', connection: 1, source: '192.0.2.7', transport: 'tcp' },
      { level: 'info', msg: 'identified', peer: 'alice', trust: 'trusted', handshakeMs: 12.346 },
      { level: 'info', msg: 'disconnected', connection: 1, seconds: 2.5, bytesFrom: 10, bytesTo: 20 },
      { level: 'info', msg: 'relay.json was read again' },
    ]);
    for (const line of lines()) expect(Date.parse(String(line['time']))).toBeGreaterThan(0);
  });

  it('tells of streams only where that is asked for', async () => {
    const [quiet, chatty] = [await jsonLog('info'), await jsonLog('debug')];
    for (const { log } of [quiet, chatty]) {
      log.onOpened(hop(), 1.5);
      log.onStreamEnd(hop(), 'lost');
    }
    expect(quiet.lines()).toEqual([]);
    expect(chatty.lines()).toMatchObject([
      { msg: 'stream opened', latencyMs: 1.5 },
      { msg: 'stream ended', end: 'lost' },
    ]);
  });

  it('is not filled by a flood of refusals or connections', async () => {
    const { log, lines, clock } = await jsonLog();
    for (clock.now = 0; clock.now < 60_000; clock.now += 0.5) {
      log.onRefuse('source-rate', '192.0.2.7');
      log.onConnect(hop());
    }
    log.onRefuse('policy', '192.0.2.8');
    const refused = lines().filter(({ msg }) => msg === 'refused');
    expect(refused.length).toBeLessThanOrEqual(5 + 6 + 1);
    expect(refused.at(-1)).toMatchObject({ level: 'warn', reason: 'policy', source: '192.0.2.8' });
    expect(lines().filter(({ msg }) => msg === 'connected').length).toBeLessThanOrEqual(100 + 60);
    await log.close();
    const told = lines().filter(({ msg, reason }) => msg === 'refused' && reason === 'source-rate');
    const counted = told.reduce(
      (sum, line) => sum + Number(line['suppressed'] ?? 0) + ('source' in line ? 1 : 0),
      0,
    );
    expect(counted).toBe(120_000);
  });

  it('keeps a name from making lines or colours of its own', async () => {
    const { log, lines, text } = await jsonLog();
    log.onIdentify(hop({ peer: known('\u001b[31malice\n{"level":"error"}\u202e') }), 1);
    log.onEvent({ event: 'note', message: 'a\u001b[2Jb' });
    expect(lines()).toMatchObject([
      { peer: '\\u{1b}[31malice\\u{a}{"level":"error"}\\u{202e}' },
      { msg: 'a\\u{1b}[2Jb' },
    ]);
    expect(text()).not.toMatch(/[\u001b\u202e]/);
  });

  it('tells of errors with their code and remedy', async () => {
    const { log, lines } = await jsonLog('error');
    const error = { code: 'ERR_XFER_USAGE', message: 'no', remedy: 'write it otherwise', exit: 2 };
    log.onEvent({ event: 'error', ...error });
    log.onEvent({ event: 'note', message: 'not told' });
    expect(lines()).toMatchObject([{ level: 'error', msg: 'no', code: error.code, remedy: error.remedy }]);
  });

  it('says what shadow mode finds', async () => {
    const { log, lines } = await jsonLog();
    log.onShadow(true);
    log.onShadow(false);
    expect(lines()).toMatchObject([{ level: 'warn', msg: 'shadow mode found a difference' }]);
  });
});

describe('the log of a relay, for people', () => {
  it('is a line each, with the time and what belongs to it', () => {
    const { log, text } = lineLog('info');
    log.onConnect(hop());
    log.onRefuse('policy', '192.0.2.7');
    log.onOpened(hop(), 1);
    expect(text()).toMatch(
      /^\d\d:\d\d:\d\d connected {2}connection=1 {2}source=192\.0\.2\.7 {2}transport=tcp\n\d\d:\d\d:\d\d warn: refused {2}reason=policy {2}source=192\.0\.2\.7\n$/,
    );
  });

  it('says only what is bad enough', () => {
    const { log, text } = lineLog('error');
    log.onConnect(hop());
    log.onRefuse('policy', '192.0.2.7');
    expect(text()).toBe('');
  });
});
