import { pathTokenBytes } from './frame-writer.js';
import { isDue } from './steady-clock.js';

/** Paths on trial at once, and answers that wait to be sent; then the oldest goes. */
const maxCandidates = 4;
const maxAnswers = 4;
/** Before a path is proven no more than this multiple of what came from it is sent to it (RFC 9000 §8.1). */
const amplification = 3;

export interface PathCandidatesOptions {
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

  constructor(options: PathCandidatesOptions) {
    this.#options = options;
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
    if (!isNewest) return;
    const token = new Uint8Array(pathTokenBytes);
    this.#options.randomBytes(token);
    this.#candidates = [
      ...this.#candidates.slice(-(maxCandidates - 1)),
      { path, token, receivedBytes: bytes, sentBytes: 0, challenges: 0, tries: 0, firstAt: now, nextAt: now },
    ];
  }

  handleChallenge(path: number, token: Uint8Array): void {
    this.#answers = [...this.#answers.slice(-(maxAnswers - 1)), { path, token: token.slice() }];
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

  #spend(candidate: Candidate, bytes: number): boolean {
    if (candidate.sentBytes + bytes > amplification * candidate.receivedBytes) return false;
    candidate.sentBytes += bytes;
    return true;
  }
}
