import { readFileSync } from 'node:fs';

/** Segments that the TCP of a network has sent, and those of them that had been sent before. */
export interface TcpSegments {
  readonly sent: number;
  readonly again: number;
}

/**
 * Of the network that a process is in, all connections together: for a network that is the bench's alone. TCP tells its users
 * of no loss, and what is sent again stands for what was lost. undefined: this system does not tell, or the process has gone.
 */
export function tcpSegments(pid: number | 'self'): TcpSegments | undefined {
  try {
    return readSegments(readFileSync(`/proc/${pid}/net/snmp`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** A line of names, and one of their numbers; what is sent again is not among what was sent (RFC 4022). */
export function readSegments(text: string): TcpSegments | undefined {
  const [names = [], numbers = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Tcp: '))
    .map((line) => line.split(' '));
  const of = (name: string): number => Number(numbers[names.indexOf(name)] ?? NaN);
  const [first, again] = [of('OutSegs'), of('RetransSegs')];
  return Number.isInteger(first) && Number.isInteger(again) ? { sent: first + again, again } : undefined;
}

/** Looks at networks again and again: what they have lost since the first look at each, all together. */
export class TcpLoss {
  readonly #seen = new Map<number | 'self', { readonly first: TcpSegments; last: TcpSegments }>();
  readonly #segments: typeof tcpSegments;

  constructor(segments = tcpSegments) {
    this.#segments = segments;
  }

  /** A process in the network, from when it is there. */
  look(pid: number | 'self'): void {
    const last = this.#segments(pid);
    if (!last) return;
    const seen = this.#seen.get(pid);
    if (seen) seen.last = last;
    else this.#seen.set(pid, { first: last, last });
  }

  /** 0 to 1, of what was sent meanwhile; undefined: nothing was, or nobody knows. */
  get share(): number | undefined {
    let [sent, again] = [0, 0];
    for (const { first, last } of this.#seen.values()) {
      sent += last.sent - first.sent;
      again += last.again - first.again;
    }
    return sent > 0 ? Math.min(1, Math.max(0, again) / sent) : undefined;
  }
}
