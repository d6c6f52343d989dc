import { pathTokenBytes } from './frame-writer.js';
import { isDue } from './steady-clock.js';

/** Paths on trial at once, and answers that wait to be sent; then the oldest goes. */
const maxCandidates = 4;
const maxAnswers = 4;
/** Proven paths that are remembered beside the one of the hellos: an attacker moves a connection through its own. */
const maxLeft = 2;
/** Before a path is proven no more than this multiple of what came from it is sent to it (RFC 9000 §8.1). */
const amplification = 3;

export interface PathCandidatesOptions {
  /** The path of the hellos. */
  readonly path: number;
  readonly challengeMs: number;
  readonly maxChallenges: number;
  randomBytes(into: Uint8Array): void;
}

interface Candidate {
  readonly path: number;
  readonly token: Uint8Array;
  receivedBytes: number;
  sentBytes: number;
  /** Challenges that went, and those that were due: there may have been nothing left to spend. */
  challenges: number;
  tries: number;
  firstAt: number;
  nextAt: number;
  /** It was in use before. */
  readonly isLeft: boolean;
}

interface Answer {
  readonly path: number;
  readonly token: Uint8Array;
}

/** Paths that the other side was seen on and that are not proven yet, and the answers to its own challenges. */
export class PathCandidates {
  readonly #options: PathCandidatesOptions;
  #candidates: readonly Candidate[] = [];
  #answers: readonly Answer[] = [];
  /** Proven once, and not in use; the one left last at the end. */
  #left: readonly number[] = [];

  constructor(options: PathCandidatesOptions) {
    this.#options = options;
  }

  /** No path is on trial, and no challenge waits for its answer. */
  get isEmpty(): boolean {
    return this.#candidates.length === 0 && this.#answers.length === 0;
  }

  /** When `pollChallenge` has something. */
  get at(): number {
    let at = Infinity;
    for (const { nextAt } of this.#candidates) at = Math.min(at, nextAt);
    return at;
  }

  /** A valid packet came from a path that is not the proven one; `isNewest`: no number was higher. */
  handlePacket(now: number, path: number, bytes: number, isNewest: boolean): void {
    const known = this.#candidates.find((candidate) => candidate.path === path);
    if (known !== undefined) {
      known.receivedBytes += bytes;
      return;
    }
    if (isNewest) this.#add(now, path, bytes, false);
  }

  /** Another path is in use than `path`, from now on. */
  handleMove(path: number, to: number): void {
    const left = [...this.#left.filter((one) => one !== path && one !== to), path];
    const first = left.filter((one) => one === this.#options.path);
    this.#left = [...first, ...left.filter((one) => !first.includes(one)).slice(-maxLeft)];
    this.endReturn();
  }

  /** The path in use seems dead: those before it are on trial again. They are no strangers, so what goes there is not weighed. */
  tryReturn(now: number): void {
    for (const path of this.#left)
      if (!this.#candidates.some((candidate) => candidate.path === path))
        this.#add(now, path, Infinity, true);
  }

  /** The path in use lives. */
  endReturn(): void {
    if (this.#candidates.some(({ isLeft }) => isLeft))
      this.#candidates = this.#candidates.filter(({ isLeft }) => !isLeft);
  }

  handleChallenge(path: number, token: Uint8Array): void {
    this.#answers = [...this.#answers.slice(-(maxAnswers - 1)), { path, token: new Uint8Array(token) }];
  }

  /** The round trip of the challenge, 0 where it was not measured, if this path is proven by it; it is no candidate then. */
  handleResponse(now: number, path: number, token: Uint8Array): number | undefined {
    const candidate = this.#candidates.find((one) => one.path === path);
    if (candidate === undefined || candidate.challenges === 0) return undefined;
    if (candidate.token.some((byte, index) => byte !== token[index])) return undefined;
    this.#candidates = this.#candidates.filter((one) => one !== candidate);
    return candidate.challenges === 1 ? now - candidate.firstAt : 0;
  }

  /** No trial of this path any more: it is the one in use. */
  drop(path: number): void {
    if (this.#candidates.length > 0) this.#candidates = this.#candidates.filter((one) => one.path !== path);
  }

  pollAnswer(packetBytes: number): Answer | undefined {
    while (this.#answers.length > 0) {
      const answer = this.#answers[0];
      this.#answers = this.#answers.slice(1);
      if (answer === undefined) return undefined;
      const candidate = this.#candidates.find((one) => one.path === answer.path);
      if (candidate === undefined) return answer;
      if (this.#spend(candidate, packetBytes)) return answer;
    }
    return undefined;
  }

  /** A challenge that is due, in a packet of `packetBytes`. */
  pollChallenge(now: number, packetBytes: number): Answer | undefined {
    for (const candidate of this.#candidates) {
      if (!isDue(candidate.nextAt, now)) continue;
      if (candidate.tries === this.#options.maxChallenges) {
        this.drop(candidate.path);
        continue;
      }
      candidate.tries += 1;
      candidate.nextAt = now + this.#options.challengeMs;
      if (!this.#spend(candidate, packetBytes)) continue;
      if (candidate.challenges === 0) candidate.firstAt = now;
      candidate.challenges += 1;
      return candidate;
    }
    return undefined;
  }

  #add(now: number, path: number, receivedBytes: number, isLeft: boolean): void {
    const token = new Uint8Array(pathTokenBytes);
    this.#options.randomBytes(token);
    const counts = { sentBytes: 0, challenges: 0, tries: 0, firstAt: now, nextAt: now };
    this.#candidates = [
      ...this.#candidates.slice(-(maxCandidates - 1)),
      { path, token, receivedBytes, isLeft, ...counts },
    ];
  }

  #spend(candidate: Candidate, bytes: number): boolean {
    if (candidate.sentBytes + bytes > amplification * candidate.receivedBytes) return false;
    candidate.sentBytes += bytes;
    return true;
  }
}
