import { expect, vi } from 'vitest';
import { pipeDefaults } from '../../../src/config/index.js';
import { codeFromWire } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { decodePipeMessage, encodePipeMessage, type PipeMessage } from '../../../src/pipe/messages.js';
import { pipeSession } from '../../../src/pipe/pipe-session.js';
import { recordKind } from '../../../src/session/record-header.js';
import type { Session } from '../../../src/session/session.js';
import { meet } from '../session/lanes-kit.js';
import { Arrivals } from './pipe-kit.js';

/** A side that has the keys and says whatever the test likes. */
export class PipeRogue {
  readonly session: Session;
  readonly heard: PipeMessage[] = [];
  /** Numbers of the records that came. */
  readonly records: number[] = [];
  #number = 0;

  constructor(session: Session) {
    this.session = session;
    session.attach({
      onControl: (body) => this.heard.push(decodePipeMessage(body)),
      onContent: (content) => {
        this.records.push(content.header.number);
        content.release();
      },
      onRoom: () => undefined,
      onEnd: () => undefined,
    });
  }

  say(...messages: readonly PipeMessage[]): void {
    for (const message of messages) this.session.sendControl(encodePipeMessage(message));
  }

  /** A record of as many bytes, or of these; `number` is the next one unless it is given. */
  content(
    entry: number,
    offset: number,
    bytes: number | Uint8Array,
    header: { number?: number; layout?: number } = {},
  ): void {
    const body = typeof bytes === 'number' ? Buffer.alloc(bytes, 'a') : bytes;
    const number = header.number ?? this.#number++;
    const plain = { kind: recordKind.content, layout: 0, bodyBytes: body.length, entry, offset };
    this.session.sendContent(0, { body, header: { ...plain, ...header, number } }, () => undefined);
  }

  async hears<Type extends PipeMessage['type']>(type: Type) {
    return vi.waitFor(
      () => {
        const found = this.heard.find((message) => message.type === type);
        expect(found, `${type} among what was heard`).toBeDefined();
        return found as Extract<PipeMessage, { type: Type }>;
      },
      { timeout: 10_000, interval: 2 },
    );
  }

  /** The code and the words with which the other side says that it ends. */
  async isTold(): Promise<string> {
    const { wire, message } = await this.hears('abort');
    return `${codeFromWire(wire)} ${message}`;
  }
}

/** A real side, and a rogue in the place of the other. */
export async function meetRogue(role: 'dialer' | 'listener', windowBytes: number = pipeDefaults.windowBytes) {
  const met = await meet({ rejoinMs: 60_000 });
  const [own, other] = role === 'dialer' ? [met.dialer, met.listener] : [met.listener, met.dialer];
  const rogue = new PipeRogue(other.session);
  const arrivals = new Arrivals();
  const pipes = pipeSession({
    ...{ session: own.session, role, native: nativeApi(), compress: 'off', windowBytes },
    onChannel: arrivals.handle,
  });
  return { pipes, rogue, arrivals };
}
