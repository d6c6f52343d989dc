import type {
  ConnectedEvent,
  DoneEvent,
  ErrorEvent,
  ExplainEvent,
  ListeningEvent,
  NoteEvent,
} from '../app/events.js';
import { formatDuration, formatRate, formatSize } from '../config/quantity.js';
import { printable } from '../transfer/printable.js';
import { pipeCommands, sendCommands, type PipeUse } from './send-commands.js';

/** `sent 3 files, 1.07 GB in 0.9 s (1.19 GB/s) to alice (tcp, direct)`, `piped 1.07 GB in 0.9 s (1.19 GB/s) with alice (tcp, direct)` */
export function doneLine(event: DoneEvent): string {
  const rate = event.seconds > 0 ? ` (${formatRate(event.bytes / event.seconds)})` : '';
  const how = `in ${formatDuration(event.seconds)}${rate}`;
  // Within this machine there is nobody to name.
  if (event.role === 'pipe')
    return `piped ${formatSize(event.bytes)} ${how}${event.peer === '' ? '' : ` with ${peerAndPath(event)}`}`;
  const [verb, preposition] = event.role === 'send' ? ['sent', 'to'] : ['received', 'from'];
  const amount = `${countOf(event.files, 'file')}, ${formatSize(event.bytes)}`;
  const done = `${verb} ${amount} ${how} ${preposition} ${targetOf(event)}${peerAndPath(event)}`;
  return event.seconds < leastToldSeconds ? done : `${done}${limitedBy(event)}`;
}

/** A shorter transfer is no reason to look for what held it up. */
const leastToldSeconds = 1;

function limitedBy({ bottleneck, role }: DoneEvent): string {
  const [here, there] = role === 'send' ? ['this side', 'the receiver'] : ['the sender', 'this side'];
  switch (bottleneck) {
    case 'source':
      return `, limited by ${here}'s disk`;
    case 'seal':
      return `, limited by ${here}'s processor`;
    case 'network':
      return ', limited by the network';
    case 'open':
      return `, limited by ${there}'s processor`;
    case 'disk':
      return `, limited by ${there}'s disk`;
    case 'limit':
      return ', limited by --limit';
    case 'none':
      return '';
  }
}

export function connectedLine(event: ConnectedEvent): string {
  return `connected to ${targetOf(event)}${peerAndPath(event)}`;
}

export function noteLine(event: NoteEvent): string {
  return `note: ${targetOf(event)}${printable(event.message)}`;
}

export function explainLine(event: ExplainEvent): string {
  return `explain: ${targetOf(event)}${printable(event.message)}`;
}

/** Two lines with their ends: what happened, and what to do. */
export function errorLines(event: Pick<ErrorEvent, 'message' | 'remedy' | 'target'>): string {
  return `xfer: ${targetOf(event)}${printable(event.message)}\n  ${printable(event.remedy)}\n`;
}

/** One line: where a relay listens, and by which key it is known; undefined for what is none. */
function relayLine({ addresses, key, fingerprint }: ListeningEvent): string | undefined {
  if (key === undefined || fingerprint === undefined) return undefined;
  return `relaying on ${addresses.map(printable).join(', ')}; this relay: ${fingerprint}, key ${key}`;
}

/** One line: where it listens, and what to type on the other machine. */
export function listeningLine(event: ListeningEvent): string {
  const relay = relayLine(event);
  if (relay !== undefined) return relay;
  return `${whereIsListened(event)}; on the other machine: ${sendCommands(event).join(' or ')}`;
}

/** The same for a terminal: each command on a line of its own, ready to be copied. */
export function listeningBlock(event: ListeningEvent): string {
  const relay = relayLine(event);
  if (relay !== undefined) return `${relay}\n`;
  const commands = sendCommands(event).map((command) => `  ${command}\n`);
  return `${whereIsListened(event)}\non the other machine type\n\n${commands.join('')}\n`;
}

/** The same lines for a pipe that listens: on a terminal ready to be copied, else one. */
export function pipeListening(event: ListeningEvent, use: PipeUse, isTerminal: boolean): string {
  const typed = pipeCommands(event, use);
  if (!isTerminal) return `${whereIsListened(event)}; on the other machine: ${typed.join(' or ')}\n`;
  const lines = typed.map((command) => `  ${command}\n`).join('');
  return `${whereIsListened(event)}\non the other machine type\n\n${lines}\n`;
}

function whereIsListened({ addresses, room, via = [] }: ListeningEvent): string {
  const waiting =
    room === undefined ? [] : [`waiting in room ${printable(room)} at ${printable(via.at(-1) ?? '')}`];
  const listening = addresses.length === 0 ? [] : [`listening on ${addresses.map(printable).join(', ')}`];
  return [...waiting, ...listening].join(', ');
}

/** Of several, the one that it is about. */
function targetOf({ target }: { readonly target?: string }): string {
  return target === undefined ? '' : `${printable(target)}: `;
}

function peerAndPath(event: { peer: string; transport: string; path: string }): string {
  return `${printable(event.peer)} (${printable(event.transport)}, ${event.path})`;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
