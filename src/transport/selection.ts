/** What a decision stands on: named numbers, their units in the names. */
export type Numbers = Readonly<Record<string, number>>;

/** What is done about a way to the peer, or about lanes over it, and why. */
export interface Decision {
  /**
   * `dial`: open a lane there. `close`: end these lanes, what they have under way goes again. `rest` and `resume`: these
   * lanes get nothing new for a while. `silent` and `heard`: these lanes may be dead, or are not. `keep` and `prefer` are
   * told and nothing else is to be done.
   */
  readonly what: 'dial' | 'close' | 'rest' | 'resume' | 'silent' | 'heard' | 'keep' | 'prefer';
  /** By its address. */
  readonly way: string;
  readonly lanes: readonly number[];
  readonly reason: string;
  readonly numbers: Numbers;
}

/** A way to the peer that may be tried. */
export interface Candidate {
  /** By its address: what decisions name. */
  readonly way: string;
  readonly scheme: string;
  /** Hardware moves its bytes, so that a trial takes next to no processor time from the others. Default: false. */
  readonly isOffloaded?: boolean;
}

/** A lane as it is now; what is counted only ever grows. */
export interface LaneSample {
  readonly lane: number;
  readonly way: string;
  /** Content that came back acknowledged. */
  readonly receivedBytes: number;
  /** Content that is under way. */
  readonly inFlightBytes: number;
  /** All that its connection heard of the other side. */
  readonly heardBytes: number;
  /** 0 where it is not known. */
  readonly rttMs: number;
  readonly minRttMs: number;
  readonly lost: number;
  /** As its transport finds. */
  readonly isSuspect: boolean;
}

export interface SelectionSample {
  /** Content that was acknowledged until now. */
  readonly receivedBytes: number;
  /** Content that is known of and was not acknowledged. */
  readonly remainingBytes: number;
  /** How long was waited for the network until now. */
  readonly networkMs: number;
  readonly lanes: readonly LaneSample[];
  /** How often an address of this machine that lanes use has gone, or has come to another network. Default: 0. */
  readonly moves?: number;
}

export const perSecond = (bytesPerMs: number): number => Math.round(bytesPerMs * 1000);
