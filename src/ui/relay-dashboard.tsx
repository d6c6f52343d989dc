import { Box, Text, useInput, useStdout } from 'ink';
import { useEffect, useState } from 'react';
import type { RelayStatus } from '../app/relay-status.js';
import { formatDuration, formatRate, formatSize } from '../config/quantity.js';
import { printable } from '../transfer/printable.js';
import { RelayRates, type PeerRow, type RelayPicture } from './relay-rates.js';
import { sparkline } from './sparkline.js';

export interface DashboardProps {
  readonly status: RelayStatus;
  /** What was told last, newest last. */
  readonly messages: () => readonly string[];
  readonly onKey: (key: 'quit' | 'interrupt') => void;
  /** Default: a second. */
  readonly intervalMs?: number;
}

/** A relay that runs, looked at every second. */
export function Dashboard({ status, messages, onKey, intervalMs = 1000 }: DashboardProps) {
  const [rates] = useState(() => new RelayRates());
  const [picture, setPicture] = useState(() => rates.look(status, performance.now()));
  const { stdout } = useStdout();
  useEffect(() => {
    const timer = setInterval(() => setPicture(rates.look(status, performance.now())), intervalMs);
    return () => clearInterval(timer);
  }, [rates, status, intervalMs]);
  useInput((input, key) => {
    if (key.ctrl && input === 'c') onKey('interrupt');
    else if (input === 'q') onKey('quit');
  });
  const [columns, rows] = [stdout.columns || 80, stdout.rows || 24];
  return <DashboardView picture={picture} messages={messages()} columns={columns} rows={rows} />;
}

export interface DashboardViewProps {
  readonly picture: RelayPicture;
  readonly messages: readonly string[];
  readonly columns: number;
  readonly rows: number;
}

/** Lines that are no peers: the head, the titles, the line for more, and one that the terminal keeps for itself. */
const otherLines = 8;
const mostRows = 30;
const mostReasons = 4;

/** One picture, within so many columns and rows. */
export function DashboardView({ picture, messages, columns, rows }: DashboardViewProps) {
  const shown = columnsFor(columns);
  const room = Math.max(1, Math.min(mostRows, rows - otherLines - messages.length));
  const peers = picture.rows.slice(0, room);
  const more = picture.rows.length - peers.length;
  return (
    <Box flexDirection="column" width={columns}>
      <Head picture={picture} columns={columns} />
      <Box>
        {shown.map(({ title, width, isLeft }) => (
          <Cell key={title} width={width} isLeft={isLeft} dim text={title} />
        ))}
      </Box>
      {peers.map((row) => (
        <Box key={row.key}>
          {shown.map(({ title, width, isLeft, text }) => (
            <Cell key={title} width={width} isLeft={isLeft} text={text(row, width)} />
          ))}
        </Box>
      ))}
      {peers.length === 0 && <Text dimColor>nobody is connected</Text>}
      {more > 0 && <Text dimColor>and {more} more</Text>}
      {messages.map((message, at) => (
        <Text key={at} wrap="truncate" color="yellow">
          {printable(message)}
        </Text>
      ))}
    </Box>
  );
}

function Head({ picture, columns }: { readonly picture: RelayPicture; readonly columns: number }) {
  const { streams, pendingOpens, connections, rooms, refused, rateFrom, rateTo } = picture;
  const counts = [
    `connections ${connections}`,
    `streams ${streams}${pendingOpens > 0 ? ` (${pendingOpens} opening)` : ''}`,
    `rooms ${rooms}`,
    `buffered ${formatSize(picture.bufferedBytes)}`,
  ];
  const all = refused.reduce((sum, [, count]) => sum + count, 0);
  const reasons = refused.slice(0, mostReasons).map(([reason, count]) => `${reason} ${count}`);
  const rates = `in ${formatRate(rateFrom)}  out ${formatRate(rateTo)}`;
  const isDraining = picture.isDraining ? ' · stopping' : '';
  return (
    <>
      <Box justifyContent="space-between">
        <Text bold wrap="truncate">
          xfer relay · up {formatDuration(picture.uptimeSeconds)}
          {isDraining}
        </Text>
        <Text dimColor> q quits</Text>
      </Box>
      <Text dimColor wrap="truncate">
        {picture.addresses.map(printable).join('  ')}
      </Text>
      <Text wrap="truncate">{counts.join('  ')}</Text>
      <Text wrap="truncate">
        {rates}{' '}
        <Text color="cyan">{sparkline(picture.history, Math.max(0, Math.min(60, columns - 36)))}</Text>
      </Text>
      <Text wrap="truncate" {...(all > 0 ? { color: 'red' } : { dimColor: true })}>
        refused {all}
        {reasons.length > 0 ? `: ${reasons.join(' · ')}` : ''}
      </Text>
    </>
  );
}

interface CellProps {
  readonly width: number;
  readonly text: string;
  readonly isLeft?: boolean | undefined;
  readonly dim?: boolean;
}

function Cell({ width, text, isLeft = false, dim = false }: CellProps) {
  return (
    <Box width={width} paddingRight={1} justifyContent={isLeft ? 'flex-start' : 'flex-end'}>
      <Text wrap="truncate" dimColor={dim}>
        {text}
      </Text>
    </Box>
  );
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly isLeft?: boolean;
  text(row: PeerRow, width: number): string;
}

const leastNameColumns = 12;
const mostNameColumns = 40;

/** Behind the name, in the order in which they are shown. */
const columnsOf: Readonly<Record<string, Column>> = {
  transport: { title: 'by', width: 6, isLeft: true, text: ({ transport }) => transport },
  weight: { title: 'weight', width: 7, text: ({ weight }) => String(weight) },
  connections: { title: 'conns', width: 6, text: ({ connections }) => String(connections) },
  streams: { title: 'streams', width: 8, text: ({ streams }) => String(streams) },
  rateFrom: { title: 'in', width: 11, text: ({ rateFrom }) => formatRate(rateFrom) },
  rateTo: { title: 'out', width: 11, text: ({ rateTo }) => formatRate(rateTo) },
  history: { title: 'rate', width: 17, text: ({ history }, width) => sparkline(history, width - 1) },
  buffered: { title: 'buffered', width: 9, text: ({ bufferedBytes }) => formatSize(bufferedBytes) },
  rtt: { title: 'rtt', width: 9, text: ({ rttMs }) => (rttMs > 0 ? `${rttMs.toFixed(1)} ms` : '–') },
};

/** Those that go first when there is little room come last. */
const byImportance = [
  'rateFrom',
  'rateTo',
  'streams',
  'history',
  'transport',
  'rtt',
  'buffered',
  'weight',
  'connections',
];

function columnsFor(columns: number): readonly Column[] {
  let left = columns - leastNameColumns;
  const kept = new Set<string>();
  for (const name of byImportance) {
    const width = columnsOf[name]?.width ?? 0;
    if (width > left) break;
    kept.add(name);
    left -= width;
  }
  const nameWidth = Math.min(mostNameColumns, leastNameColumns + left);
  const name: Column = { title: 'peer', width: nameWidth, isLeft: true, text: (row) => printable(row.name) };
  return [name, ...Object.entries(columnsOf).flatMap(([key, column]) => (kept.has(key) ? [column] : []))];
}
