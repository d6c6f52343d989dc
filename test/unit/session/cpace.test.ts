import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CpaceRun,
  encodedGenerator,
  generatorString,
  scalarFrom,
  scalarMultVerified,
} from '../../../src/session/cpace.js';
import { utf8 } from '../../../src/session/bytes.js';
import { isXferError } from '../../../src/errors/index.js';

const vectors = JSON.parse(
  readFileSync(new URL('../../../fixtures/wire/cpace-ristretto255.json', import.meta.url), 'utf8'),
) as {
  generatorString: string;
  run: Record<
    'PRS' | 'CI' | 'sid' | 'g' | 'ya' | 'ADa' | 'Ya' | 'yb' | 'ADb' | 'Yb' | 'K' | 'ISK_IR',
    string
  >;
  points: { valid?: never; Valid: Record<string, string>; 'Invalid Y1': string; 'Invalid Y2': string };
};
const { run } = vectors;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
const common = {
  password: bytes(run.PRS),
  channel: bytes(run.CI),
  sid: bytes(run.sid),
  initiatorData: bytes(run.ADa),
  responderData: bytes(run.ADb),
};
const a = () => new CpaceRun({ ...common, role: 'initiator', random: bytes(run.ya) });
const b = () => new CpaceRun({ ...common, role: 'responder', random: bytes(run.yb) });

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return isXferError(error) ? error.code : String(error);
  }
  return 'nothing was thrown';
}

describe('CPace against the vectors of draft-irtf-cfrg-cpace-21', () => {
  it('makes the generator string and the generator', () => {
    expect(hex(generatorString(common.password, common.channel, common.sid))).toBe(vectors.generatorString);
    expect(hex(encodedGenerator(common.password, common.channel, common.sid))).toBe(run.g);
  });

  it('makes both shares and the secret point', () => {
    expect(hex(a().share)).toBe(run.Ya);
    expect(hex(b().share)).toBe(run.Yb);
    expect(hex(scalarMultVerified(scalarFrom(bytes(run.ya)), bytes(run.Yb)))).toBe(run.K);
    expect(hex(scalarMultVerified(scalarFrom(bytes(run.yb)), bytes(run.Ya)))).toBe(run.K);
  });

  it('makes the same ISK on both sides, in the order of initiator and responder', () => {
    expect(hex(a().finish(bytes(run.Yb)).isk)).toBe(run.ISK_IR);
    expect(hex(b().finish(bytes(run.Ya)).isk)).toBe(run.ISK_IR);
  });

  it('multiplies valid points, and refuses what encodes none and the identity', () => {
    const { s = '', X = '', 'G.scalar_mult_vfy(s,X)': product } = vectors.points.Valid;
    const scalar = scalarFrom(bytes(s));
    expect(hex(scalarMultVerified(scalar, bytes(X)))).toBe(product);
    for (const point of [
      vectors.points['Invalid Y1'],
      vectors.points['Invalid Y2'],
      '00',
      X.slice(2),
      `${X}00`,
      'ff'.repeat(32),
    ])
      expect(codeOf(() => scalarMultVerified(scalar, bytes(point)))).toBe('ERR_XFER_HANDSHAKE');
  });
});

describe('CPace', () => {
  it('refuses invalid shares and the identity as a share', () => {
    for (const point of [vectors.points['Invalid Y1'], vectors.points['Invalid Y2']])
      expect(codeOf(() => a().finish(bytes(point)))).toBe('ERR_XFER_HANDSHAKE');
  });

  it('refuses randomness of zeros or of another length', () => {
    for (const random of [new Uint8Array(32), new Uint8Array(31).fill(1)])
      expect(codeOf(() => new CpaceRun({ ...common, role: 'initiator', random }))).toBe('ERR_XFER_INTERNAL');
  });

  it('confirms with tags that differ by role and are equal on both sides', () => {
    const [keyA, keyB] = [a().finish(b().share), b().finish(a().share)];
    for (const role of ['initiator', 'responder'] as const) {
      expect(keyA.confirmation(role)).toEqual(keyB.confirmation(role));
      expect(keyA.confirmation(role)).toHaveLength(64);
    }
    expect(keyA.confirmation('initiator')).not.toEqual(keyA.confirmation('responder'));
  });

  it.each(['password', 'channel', 'sid', 'initiatorData', 'responderData'] as const)(
    'binds its key to %s',
    (field) => {
      const other = new CpaceRun({
        ...common,
        [field]: utf8('something else'),
        role: 'responder',
        random: bytes(run.yb),
      });
      const [keyA, keyB] = [a().finish(other.share), other.finish(a().share)];
      expect(keyA.isk).not.toEqual(keyB.isk);
      expect(keyA.confirmation('initiator')).not.toEqual(keyB.confirmation('initiator'));
    },
  );
});
