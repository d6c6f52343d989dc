/**
 * One thing of this machine that was looked at. `slower`: it works, and could be faster; `missing`: it is not to be had
 * here, and something goes without; `none`: there is none, which is no fault.
 */
export interface Finding {
  readonly subject: string;
  readonly state: 'ok' | 'slower' | 'missing' | 'none';
  /** What is there, or why it is not. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** How one address of the target was answered. */
export interface PathFinding {
  readonly address: string;
  readonly transport: string;
  readonly state: 'works' | 'fails';
  /** Until the connection was there. */
  readonly connectMs?: number;
  /** The least of some round trips on the idle connection, and their median. */
  readonly minRttMs?: number;
  readonly rttMs?: number;
  /** Of the packets that were sent, with which transports that know; from 0 to 1. */
  readonly lossShare?: number;
  /** The largest packet: of the path where the transport finds it out, else of the interface. */
  readonly mtuBytes?: number;
  readonly mtuOf?: 'path' | 'interface';
  /** Bytes a second toward the target. */
  readonly goodput?: number;
  /** Why there is no goodput, though it works. */
  readonly unmeasured?: 'not offered' | 'busy' | 'refused' | 'lost';
  /** Why it fails. */
  readonly code?: string;
  readonly detail?: string;
}

/** What all of it means. */
export interface Verdict {
  /** The address to use; undefined where nothing answers. */
  readonly best?: string;
  /** Sentences. */
  readonly conclusions: readonly string[];
  /** Commands or sentences, each on its own. */
  readonly remedies: readonly string[];
}
