import type { NetLab } from './net-lab.mjs';

export interface PipeCutsOptions {
  readonly bytes: number;
  /** At random places of the stream. */
  readonly cuts: number;
  /** Of the content, the places and the kinds of cuts. */
  readonly seed: number;
  /** For the homes of all three programs. */
  readonly directory: string;
  /** Where the link goes down for real; without one a proxy stands in for the network. */
  readonly lab?: NetLab;
  /** How long the link is down, in milliseconds. Default: 3000. */
  readonly downMs?: number;
  /** Of both sides of the pipe. */
  readonly flags?: readonly string[];
}

export interface PipeCutsResult {
  /** Of the giver and the taker. */
  readonly statuses: readonly (number | null)[];
  /** SHA-256, hexadecimal: of what was generated, and of what came out. */
  readonly expected: string;
  readonly arrived: string;
  readonly bytes: number;
  /** Those that happened, in their order, and how much had come out by then. */
  readonly cuts: readonly { readonly kind: 'connection' | 'relay' | 'link'; readonly at: number }[];
  /** On stderr, of the giver and the taker. */
  readonly said: readonly string[];
}

export function pipeCuts(options: PipeCutsOptions): Promise<PipeCutsResult>;
