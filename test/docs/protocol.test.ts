import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeGroupHeader, isSessionHeader, sessionHeader } from '../../src/session/stream-headers.js';
import {
  forwardingDefaults,
  measuringDefaults,
  muxDefaults,
  pipeDefaults,
  sessionDefaults,
  transferDefaults,
  transportDefaults,
  wsDefaults,
} from '../../src/config/index.js';
import { errorTable } from '../../src/errors/index.js';
import { encodeOpen } from '../../src/mux/encode.js';
import { extensionType, frameFlag, frameHeaderBytes, frameType } from '../../src/mux/frame.js';
import { encodeHello as encodeLinkHello, parseHello } from '../../src/mux/hello.js';
import { cipher, recordLayout } from '../../src/native/api.js';
import { sealRecord } from '../../src/native/record-codec.js';
import { cpaceContext, verdictKey } from '../../src/session/handshake-core.js';
import { maxHopTokenBytes, type HopClaim } from '../../src/session/hop-claim.js';
import { hopProofKind } from '../../src/session/hop-proof-core.js';
import { messageType } from '../../src/session/handshake-messages.js';
import { groupKeys, groupLaneMac } from '../../src/session/group-keys.js';
import {
  anotherCapability,
  encodeHello,
  ownCapabilities,
  ownHello,
  parcelCapability,
  pipeCapability,
  stdoutCapability,
} from '../../src/session/hello.js';
import { sessionId } from '../../src/session/join.js';
import { laneKeys, type LaneSecrets } from '../../src/session/keys.js';
import { openOnce } from '../../src/session/noise.js';
import { decodeRecordHeader, encodeRecordHeader, recordKind } from '../../src/session/record-header.js';
import { encodeEntry, entryKind } from '../../src/transfer/entry-codec.js';
import { encodeHopDetail } from '../../src/relay/hop-detail.js';
import { isRoute, maxAlternatives, maxBranches, maxHops } from '../../src/relay/route.js';
import { encodePipeMessage } from '../../src/pipe/messages.js';
import { decodeWaitHeader } from '../../src/relay/wait-header.js';
import { compressedLayout } from '../../src/transfer/lz4.js';
import { decodeTransferMessage, encodeTransferMessage } from '../../src/transfer/messages.js';
import {
  packCountBytes,
  packedLayout,
  packMissing,
  packRowBytes,
  readPack,
} from '../../src/transfer/pack-layout.js';
import { openErrorCode, resetCode } from '../../src/transport/contract.js';
import { exampleOf, labelsIn, numberOf, page, tableWith } from './protocol-page.js';

const root = new URL('../../', import.meta.url);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const golden = JSON.parse(readFileSync(new URL('fixtures/wire/handshake-v1.json', root), 'utf8')) as {
  runs: { mode: string; messages: string[]; secret: string; transcript: string }[];
};
const runOf = (mode: string) => golden.runs.find((run) => run.mode === mode) ?? expect.unreachable(mode);
/** Names in backticks. */
const cells = (text = '') => [...text.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name);
/** The messages of a union, each with its fields, as its source has them. */
const messagesOf = (path: string, union: string) => {
  const source = readFileSync(new URL(path, root), 'utf8');
  const [, text = ''] = new RegExp(`^export type ${union} =\\n([^]*?)\\n\\n`, 'm').exec(source) ?? [];
  return [...text.matchAll(/readonly type: '([\w-]+)';([^{}]*)\}/g)].map(([, type, fields = '']) => [
    type,
    [...fields.matchAll(/readonly (\w+)\??:/g)].map(([, field]) => field),
  ]);
};
const screaming = (name: string) => name.replace(/[A-Z]/g, '_$&').toUpperCase();

describe('the frames in docs/protocol.md', () => {
  it('are those of the code', () => {
    const told = tableWith('type', 'name', 'on', 'payload').map(([type, name]) => [
      name,
      parseInt(type ?? '', 16),
    ]);
    const bare = (name: string) => name.replace(/_/g, '');
    const names = told.map(([name, type]) => [bare(String(name)), type]);
    const real = Object.entries({ ...frameType, ...extensionType }).map(([name, type]) => [
      bare(screaming(name)),
      type,
    ]);
    expect(names).toEqual(real);
  });

  it('have the flags, codes and header that are told', () => {
    for (const [name, flag] of Object.entries(frameFlag))
      expect(page).toContain(`${screaming(name)} = \`0${flag}\``);
    const [, refused = '', ended = ''] =
      /^Codes of OPEN_ERR: (.*?)\. Codes of RESET and STOP: (.*)\.$/m.exec(page) ?? [];
    const codes = (text: string) => text.split(', ').map((item) => Number(item.split(' ')[0]));
    expect(codes(refused)).toEqual(Object.values(openErrorCode));
    expect(codes(ended)).toEqual(Object.values(resetCode));
    expect(tableWith('offset', 'bytes', 'field')[0]?.[2]).toBe('type');
    expect(tableWith('offset', 'bytes', 'field').at(-1)?.[0]).toBe(String(frameHeaderBytes));
  });
});

describe('the link hello in docs/protocol.md', () => {
  const rows = tableWith('offset', 'bytes', 'field', 'what');
  const values = {
    lowestVersion: 1,
    highestVersion: 1,
    maxStreams: muxDefaults.maxStreamsPerPeer,
    maxPendingOpens: muxDefaults.maxPendingOpens,
    firstWindowBytes: muxDefaults.initialWindowBytes,
    maxPayloadBytes: muxDefaults.maxFramePayloadBytes,
  };

  it.each(rows.slice(1))('has at %s, in %s bytes, the field %s', (offset, width, field) => {
    const name = field.replaceAll('`', '') as keyof typeof values;
    const payload = encodeLinkHello(frameType.linkHello, values).subarray(frameHeaderBytes);
    const at = Number(offset) + Number(width) - 1;
    payload[at] = Number(payload[at]) ^ 1;
    expect(parseHello(payload)).toEqual({ ...values, [name]: values[name] ^ 1 });
  });

  it('names every field', () => {
    expect(rows.map(([, , field]) => field?.replaceAll('`', ''))).toEqual(['magic', ...Object.keys(values)]);
  });

  it('and its example are what this xfer says', () => {
    expect(exampleOf('link-hello')).toBe(hex(encodeLinkHello(frameType.linkHello, values)));
  });
});

describe('the limits in docs/protocol.md', () => {
  const tables: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    muxDefaults,
    measuringDefaults,
    forwardingDefaults,
    transportDefaults,
    wsDefaults,
    sessionDefaults,
    transferDefaults,
    pipeDefaults,
  };
  /** Nobody on the wire can tell these. */
  const local = new Set([
    'muxDefaults.sendQueueBytes',
    'muxDefaults.maxLinkQueueBytes',
    'muxDefaults.frameTimeMs',
    'wsDefaults.maxBufferedBytes',
    'forwardingDefaults.storePauseMs',
    'transportDefaults.dialTimeoutMs',
    'transportDefaults.happyEyeballsMs',
    'transportDefaults.closeTimeoutMs',
    'sessionDefaults.maxWaitingControl',
    'sessionDefaults.retryMs',
    'transferDefaults.maxOpenFiles',
    'transferDefaults.leastDirectBytes',
    'transferDefaults.leastAlignedBytes',
    'transferDefaults.pieceAlignBytes',
    'transferDefaults.progressIntervalMs',
    'pipeDefaults.minWindowBytes',
    'pipeDefaults.maxWindowBytes',
    'pipeDefaults.coalesceMs',
    'pipeDefaults.restMs',
  ]);
  const told = tableWith('limit', 'value', 'past it').map(([name, value]) => [
    name?.replaceAll('`', ''),
    value,
  ]);

  it.each(told)('%s is %s', (name, value) => {
    const [table = '', key = ''] = (name ?? '').split('.');
    expect(numberOf(value ?? '')).toBe(tables[table]?.[key]);
  });

  it('are all that count between peers, each once', () => {
    const real = Object.entries(tables).flatMap(([table, rows]) =>
      Object.keys(rows).map((key) => `${table}.${key}`),
    );
    expect([...told.map(([name]) => name), ...local].sort()).toEqual(real.sort());
  });

  it.each(tableWith('bound', 'value', 'where'))('%s is %s in %s', (name, value, where) => {
    const source = readFileSync(new URL(where.replaceAll('`', ''), root), 'utf8');
    const [, real] =
      new RegExp(`^(?:export )?const ${name.replaceAll('`', '')} = (\\d+);$`, 'm').exec(source) ?? [];
    expect(Number(value)).toBe(Number(real));
  });
});

describe('the hop proof in docs/protocol.md', () => {
  const { runs } = JSON.parse(readFileSync(new URL('fixtures/wire/hop-proof-v1.json', root), 'utf8')) as {
    runs: { claim: HopClaim; payload: string; messages: string[] }[];
  };

  it('has the golden run as its example', () => {
    expect([exampleOf('hop-claim'), exampleOf('hop-proof')]).toEqual([
      runs[0]?.payload,
      runs[0]?.messages.join(''),
    ]);
  });

  it('has the lengths of the golden runs', () => {
    const told = tableWith('message', 'from', 'bytes', 'what').map(([, , length = '']) => length);
    for (const { claim, messages } of runs) {
      const said = claim.host.length + claim.token.length;
      const real = messages.map((message) => message.length / 2);
      expect(told.map((text) => Number(/^\d+/.exec(text)) + (text.endsWith('+ h + t') ? said : 0))).toEqual(
        real,
      );
    }
  });

  it('names the kind and the longest token', () => {
    expect(page).toContain(`\`${hopProofKind.toString(16)}\` is this proof in version 1`);
    expect(page).toContain(`t, at most ${maxHopTokenBytes} `);
  });
});

describe('the handshake in docs/protocol.md', () => {
  const rows = tableWith('type', 'from', 'bytes with a code', 'bytes without', 'behind the type');

  it('has the types of the code', () => {
    expect(rows.map(([type]) => parseInt(type ?? '', 16))).toEqual(Object.values(messageType));
  });

  it.each([
    ['code', 2],
    ['known', 3],
  ] as const)('has the lengths of the golden run: %s', (mode, column) => {
    const ciphers = Object.keys(cipher).length;
    const lengths = runOf(mode).messages.map((message) => message.length / 2 - 2);
    const told = rows.slice(0, 6).map((row) => row[column] ?? '');
    expect(told.map((text) => Number(/^\d+/.exec(text)) + (text.endsWith('+ n') ? ciphers : 0))).toEqual(
      lengths,
    );
  });

  it('begins on a stream with the header that is told', () => {
    expect(exampleOf('session-open')).toBe(
      hex(encodeOpen(1, muxDefaults.initialWindowBytes, 0, sessionHeader)),
    );
    expect(isSessionHeader(bytes('7866657201'))).toBe(true);
    expect(page).toContain('`78 66 65 72 01`');
  });

  it('has a true example', () => {
    const { messages, secret, transcript } = runOf('code');
    expect(exampleOf('handshake')).toBe(`${messages[0]}${messages[5]}`);
    const context = cpaceContext(
      'crossover clockwork melon',
      1,
      bytes(messages[0] ?? '').slice(-32),
      bytes(messages[1] ?? '').slice(6, 38),
    );
    const key = verdictKey(bytes(secret), bytes(transcript));
    expect(openOnce(key, bytes(messages[5] ?? '').slice(3))).toEqual(Uint8Array.of(0));
    const { sealing, opening } = laneKeys(exampleSecrets);
    const told = new Map(
      tableWith('what', 'value').map(([what, value]) => [what, value?.replaceAll('`', '')]),
    );
    expect(Object.fromEntries(told)).toEqual({
      '`CI`': hex(context.channel),
      '`sid`': hex(context.sid),
      '`secret`': secret,
      '`verdict key`': hex(key),
      '`lane 0, dialer, AES-256-GCM`': hex(sealing.next().key),
      '`lane 0, listener, AES-256-GCM`': hex(opening.next().key),
    });
  });
});

const exampleSecrets: LaneSecrets = {
  secret: bytes(runOf('code').secret),
  transcript: bytes(runOf('code').transcript),
  cipher: cipher.aes256gcm,
  role: 'dialer',
  lane: 0,
};

describe('the session in docs/protocol.md', () => {
  it('names every label of a key', () => {
    const told = tableWith('label', 'for').map(([label]) => label?.replaceAll('`', ''));
    expect(told.sort()).toEqual(labelsIn(new URL('src/session/', root)));
  });

  it('has a true stream and key of a group', () => {
    const epoch = Uint8Array.from({ length: 16 }, (_, i) => i);
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i);
    const { secret, transcript } = exampleSecrets;
    const session = sessionId(secret, transcript);
    const mac = groupLaneMac({ secret, transcript, lane: 1, epoch });
    expect(exampleOf('group-open')).toBe(hex(encodeGroupHeader({ session, lane: 1, epoch, mac })));
    const first = groupKeys({ epoch, key, cipher: cipher.aes256gcm }).next().key;
    expect(page).toContain(`is \`${hex(first)}\`:`);
  });

  it('has the layout of a record', () => {
    const rows = tableWith('offset', 'bytes', 'what');
    const { lengthBytes, headerBytes, tagBytes, bodyAt, overheadBytes } = recordLayout;
    expect(rows.map(([offset]) => Number(offset))).toEqual([0, lengthBytes, bodyAt]);
    expect(rows.map(([, width]) => width)).toEqual([
      `${lengthBytes}`,
      `${headerBytes + tagBytes}`,
      `B + ${tagBytes}`,
    ]);
    expect(rows[0]?.[2]).toContain(`${overheadBytes - lengthBytes} + B`);
    expect(recordLayout.bodyBytesAt).toBe(4);
  });

  it('has the layout of a header', () => {
    const header = { kind: recordKind.content, layout: 3, bodyBytes: 5, entry: 7, offset: 9, number: 11 };
    const encoded = encodeRecordHeader(header);
    const rows = tableWith('offset', 'bytes', 'field', 'content record', 'control record');
    const read = rows.map(([at, width, field]) => {
      const part = hex(encoded.subarray(Number(at), Number(at) + Number(width)));
      return [field?.replaceAll('`', ''), parseInt(part, 16)];
    });
    expect(Object.fromEntries(read)).toEqual({ ...header, flags: 0, zero: 0 });
    expect(rows.find(([, , field]) => field === '`flags`')?.[0]).toBe(String(recordLayout.flagsAt));
    expect(rows[0]?.slice(3).map(Number)).toEqual([recordKind.content, recordKind.control]);
    expect(decodeRecordHeader(encoded)).toEqual(header);
  });

  it('has a true record with a plain body', () => {
    const header = {
      kind: recordKind.content,
      layout: 0,
      bodyBytes: 7,
      entry: 5,
      offset: 2 ** 20,
      number: 9,
    };
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i);
    const record = sealRecord(
      { cipher: cipher.aes256gcm, key, counter: 3, plain: true },
      encodeRecordHeader(header),
      Buffer.from('content'),
    );
    expect(exampleOf('plain-record')).toBe(hex(record));
  });

  it('has a true HELLO, and a true record with it', () => {
    const body = encodeHello(ownHello('send', 'alice', false));
    expect(exampleOf('hello')).toBe(hex(body));
    const told = tableWith('capability', 'who has it', 'what it means').map(([name, who]) => [
      name?.replaceAll('`', ''),
      who,
    ]);
    expect(told.filter(([, who]) => who === 'both').map(([name]) => name)).toEqual(ownCapabilities);
    expect(told.filter(([, who]) => who !== 'both').map(([name]) => name)).toEqual([
      ...[anotherCapability, parcelCapability, 'lz4', pipeCapability, stdoutCapability],
    ]);
    const receiver = readFileSync(new URL('src/app/file-sessions.ts', root), 'utf8');
    expect(receiver).toContain(
      "...ownCapabilities, ...(hasLz4() ? ['lz4'] : []), ...(mayGoOn ? ofMore : [])",
    );
    expect(receiver).toContain(
      'ofMore = [anotherCapability, ...(this.#takesParcels ? [parcelCapability] : [])]',
    );
    const header = {
      kind: recordKind.control,
      layout: 0,
      bodyBytes: body.length,
      entry: 1,
      offset: 0,
      number: 0,
    };
    const key = laneKeys(exampleSecrets).sealing.next();
    expect(exampleOf('record')).toBe(hex(sealRecord(key, encodeRecordHeader(header), body)));
  });
});

describe('the transfer in docs/protocol.md', () => {
  it('has the messages of the code, and their fields', () => {
    const real = messagesOf('src/transfer/messages.ts', 'TransferMessage');
    const told = tableWith('type', 'from', 'fields').map(([type, , fields]) => [
      ...cells(type),
      cells(fields),
    ]);
    const sorted = (rows: unknown[][]) => rows.map(([type, names]) => [type, names]).sort();
    expect(real.length).toBeGreaterThan(10);
    expect(sorted(told)).toEqual(sorted(real));
  });

  it('has the fields of waits', () => {
    const source = readFileSync(new URL('src/transfer/messages.ts', root), 'utf8');
    const [, end, committed] =
      /^\*\*Waits\.\*\* .*? In `end`: (.*?)\. In `committed`: (.*?)\./m.exec(page) ?? [];
    const waits = [...source.matchAll(/waits: v\.optional\(\s*v\.object\(([^]*?)\)/g)].map(
      ([, fields = '']) => [...fields.matchAll(/(\w+): count/g)].map(([, name]) => name),
    );
    expect([cells(end), cells(committed)]).toEqual(waits);
  });

  it('has the parts and kinds of an entry', () => {
    const rows = tableWith('part', 'field', 'what');
    const whole = {
      id: 7,
      kind: entryKind.file,
      path: 'p',
      size: 3,
      mode: 0o600,
      mtimeSeconds: 11,
      mtimeNanoseconds: 13,
      target: '',
      token: new Uint8Array(8),
      allocatedBytes: 1,
      owner: { uid: 1, gid: 2 },
      attributes: [['user.a', new Uint8Array(1)]] as const,
    };
    const encoded = encodeEntry(whole);
    expect(rows.map(([part]) => Number(part))).toEqual(encoded.map((_, i) => i + 1));
    expect(
      encodeEntry({ ...whole, allocatedBytes: undefined, owner: undefined, attributes: undefined }),
    ).toHaveLength(9);
    expect(tableWith('more', 'what').flatMap(([name]) => cells(name))).toEqual(
      Object.keys(encoded[9] as object),
    );
    expect(decodeTransferMessage(encodeTransferMessage({ type: 'manifest', entries: [whole] }))).toEqual({
      type: 'manifest',
      entries: [whole],
    });
    const kinds = Object.entries(entryKind).map(([name, number]) => `${number} ${name}`);
    expect(rows.find(([, field]) => field === 'kind')?.[2]).toBe(kinds.join(', '));
  });

  it('has the layouts of content, and the table of a pack', () => {
    const layouts = tableWith('layout', 'body', '`entry`', '`offset`').map(([number]) => Number(number));
    expect(layouts).toEqual([0, packedLayout, compressedLayout, packedLayout | compressedLayout]);
    const rows = tableWith('pack offset', 'pack bytes', 'what');
    expect(rows.map(([at]) => at)).toEqual([
      '0',
      `${packCountBytes}`,
      `${packCountBytes} + ${packRowBytes} files`,
    ]);
    expect(rows.map(([, width]) => width)).toEqual([
      `${packCountBytes}`,
      `${packRowBytes} a file`,
      'the rest',
    ]);
    expect(rows[1]?.[2]).toContain(`\`${packMissing.toString(16)}\``);
    const body = exampleOf('pack');
    expect(readPack(bytes(body), { first: 5, last: 8 })).toEqual([
      { id: 5, at: 28, bytes: 2 },
      { id: 6, at: 30, bytes: undefined },
      { id: 8, at: 30, bytes: 3 },
    ]);
    expect(Buffer.from(bytes(body)).subarray(28).toString()).toBe('hiyes');
  });

  it('has true examples', () => {
    const entry = {
      id: 0,
      kind: entryKind.file,
      path: 'a.txt',
      size: 5,
      mode: 0o644,
      mtimeSeconds: 1_700_000_000,
      mtimeNanoseconds: 0,
      target: '',
      token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    };
    expect(exampleOf('manifest')).toBe(hex(encodeTransferMessage({ type: 'manifest', entries: [entry] })));
    const end = { type: 'end', entries: 1, files: 1, bytes: 5, records: 1, remove: false } as const;
    expect(exampleOf('end')).toBe(hex(encodeTransferMessage(end)));
  });
});

describe('pipes in docs/protocol.md', () => {
  it('have the messages of the code, and their fields', () => {
    const real = messagesOf('src/pipe/messages.ts', 'PipeMessage');
    const told = tableWith('message', 'from', 'what it says').map(([type, , fields]) => [
      ...cells(type),
      cells(fields),
    ]);
    expect(real.length).toBeGreaterThan(10);
    expect(told).toEqual(real);
  });

  it('have true examples', () => {
    const open = { type: 'open', id: 0, up: 'bytes', down: true } as const;
    expect(exampleOf('pipe-open')).toBe(hex(encodePipeMessage(open)));
    const opened = { type: 'opened', id: 0, down: 'bytes' } as const;
    expect(exampleOf('pipe-opened')).toBe(hex(encodePipeMessage(opened)));
  });
});

describe('relays in docs/protocol.md', () => {
  const vectors = JSON.parse(readFileSync(new URL('fixtures/wire/relay-v1.json', root), 'utf8')) as {
    routes: { name: string; hex: string }[];
    details: { name: string; hex: string }[];
  };
  const vector = (of: { name: string; hex: string }[], name: string) =>
    of.find((one) => one.name === name)?.hex;

  it('have true examples, which are vectors', () => {
    expect(exampleOf('route')).toBe(vector(vectors.routes, 'one relay, then a session'));
    expect(exampleOf('stored')).toBe(vector(vectors.details, 'the relay behind the first stores'));
  });

  it('have the flags of a detail', () => {
    const plain = { isStored: false, isOwn: false, isEntry: false, wire: 0, branch: 0, taken: [] };
    const told = tableWith('detail flag', 'name', 'what').map(([flag, name = '']) => [name, flag]);
    const flags = ['isStored', 'isOwn', 'isEntry'].map((name) => {
      const encoded = encodeHopDetail({ ...plain, [name]: true });
      return [name, hex(encoded.subarray(1, 2))];
    });
    expect(told).toEqual(flags);
  });

  it('have the bounds and the prefix of a route', () => {
    const rows = new Map(
      tableWith('route field', 'bytes', 'what').map(([field, , what = '']) => [field, what]),
    );
    expect([...rows.keys()]).toEqual(['prefix', 'ttl', 'visited', 'relays', 'branches']);
    expect(isRoute(bytes(rows.get('prefix')?.replaceAll('`', '') ?? ''))).toBe(true);
    const most = [maxHops, maxAlternatives, maxBranches].map(String);
    expect(rows.get('relays')).toMatch(new RegExp(`at most ${most[0] ?? ''}, .*1 to ${most[1] ?? ''}`));
    expect(rows.get('branches')).toContain(`1 to ${most[2] ?? ''}`);
    expect(decodeWaitHeader(Buffer.concat([bytes('7866657204'), Buffer.from('4821')]))).toBe('4821');
    expect(page).toContain('`7866657204`');
  });
});

describe('the wire codes in docs/protocol.md', () => {
  it('are those of the table of errors', () => {
    const told = tableWith('wire', 'code').map(([wire, code]) => [code?.replaceAll('`', ''), Number(wire)]);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(Object.entries(errorTable).map(([code, { wire }]) => [code, wire])),
    );
  });
});
