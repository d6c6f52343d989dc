import { describe, expect, it, vi } from 'vitest';
import { recordLayout, type RecordKey } from '../../../src/native/api.js';
import { openRecord, sealRecord } from '../../../src/native/record-codec.js';
import { encodeHello } from '../../../src/session/hello.js';
import { laneKeys } from '../../../src/session/keys.js';
import { encodeRecordHeader, recordKind } from '../../../src/session/record-header.js';
import type { SessionOptions } from '../../../src/session/session.js';
import { resetCode, type Connection } from '../../../src/transport/contract.js';
import { HandStream } from './hand-stream.js';
import { contentJob, meet, openFile, type MeetKind } from './lanes-kit.js';
import { laneEnd, secrets } from './lane-kit.js';
import { attach, begin, hellos, rogueFor } from './session-kit.js';

const { bodyAt, flagsAt, lengthBytes, overheadBytes, plainBody, tagBytes } = recordLayout;
const both: Partial<SessionOptions> = { trustFabric: true };
const body = Buffer.from('what nobody else can reach');

/** One record of so many bytes on each lane that there is. */
async function sendOnEach({ dialer, listener }: Awaited<ReturnType<typeof meet>>) {
  const { session } = dialer;
  const fd = await openFile(1000);
  for (const lane of session.lanes) session.sendContent(lane, contentJob(fd, lane, 1000), () => undefined);
  await vi.waitFor(() => expect(listener.records.size).toBe(session.lanes.length));
  return { plain: listener.plain.sort(), lanes: [...listener.records.keys()].sort() };
}

describe('content of two sessions that have met', () => {
  const kinds: [string, Partial<SessionOptions>, MeetKind, number[]][] = [
    ['over a fabric that both trust goes plain', both, { fabric: true }, [0]],
    ['over a fabric that the sender alone trusts is sealed', {}, { fabric: true, dialer: both }, []],
    ['over a fabric that the receiver alone trusts is sealed', {}, { fabric: true, listener: both }, []],
    ['over a fabric of which nobody speaks is sealed', {}, { fabric: true }, []],
    ['over anything else is sealed, whoever would trust it', both, {}, []],
  ];

  it.each(kinds)('%s', async (_, options, kind, plain) => {
    const met = await meet(options, kind);
    expect((await sendOnEach(met)).plain).toEqual(plain);
    for (const { session } of [met.dialer, met.listener]) {
      expect(session.fabric.isSealed(0)).toBe(plain.length === 0);
      expect(session.fabric.hasCarriedPlain).toBe(plain.length > 0);
      expect(session.isOver).toBe(false);
    }
  });

  it('goes plain on the lanes over the fabric, and sealed on one that joins over another way', async () => {
    const met = await meet(both, { fabric: true });
    await met.join(true);
    await met.join(false);
    expect(await sendOnEach(met)).toEqual({ plain: [0, 1], lanes: [0, 1, 2] });
    expect([0, 1, 2].map((lane) => met.listener.session.fabric.isSealed(lane))).toEqual([false, false, true]);
  });

  it('goes plain on a fabric that joins a session which was not begun on one, and there alone', async () => {
    const met = await meet(both);
    await met.join(true);
    expect(await sendOnEach(met)).toEqual({ plain: [1], lanes: [0, 1] });
    expect([0, 1].map((lane) => met.listener.session.fabric.isSealed(lane))).toEqual([true, false]);
  });

  it('is sealed on the way back: its lanes may have come over a relay', async () => {
    const { dialer, listener } = await meet(both, { fabric: true });
    listener.session.sendContent(0, contentJob(await openFile(10), 0, 10), () => undefined);
    await vi.waitFor(() => expect(dialer.records.get(0)).toEqual([0]));
    expect(dialer.plain).toEqual([]);
  });

  it('is on the wire as it is, and what is said beside it is not', async () => {
    const met = await meet(both, { fabric: true });
    const wire: Uint8Array[] = [];
    met.first.dialerHooks.tamper = (bytes) => {
      wire.push(Uint8Array.from(bytes));
      return [bytes];
    };
    met.dialer.session.sendControl(Buffer.from('the name of a file'));
    await sendOnEach(met);
    await vi.waitFor(() => expect(met.listener.texts).toEqual(['the name of a file']));
    const seen = Buffer.concat(wire).toString('latin1');
    expect(seen).toContain('x'.repeat(1000));
    expect(seen).not.toContain('the name of a file');
  });
});

interface Over {
  readonly isFabric?: boolean;
  readonly isRelayed?: boolean;
  readonly wanted?: boolean;
  /** Whether the rogue says that it trusts the fabric. */
  readonly said?: boolean;
  readonly role?: 'dialer' | 'listener';
}

/** A session of this side, `listener` if not said otherwise, that has met a rogue over such a connection. */
async function meetOver(over: Over = {}) {
  const { isFabric = true, isRelayed = false, wanted = true, said = true, role = 'listener' } = over;
  const connection = { capabilities: { isFabric }, isRelayed, remote: { scheme: 'rdma' } };
  const stream = Object.assign(new HandStream(), { connection: connection as unknown as Connection });
  // As one that would forgive a lane that was altered.
  const end = begin(role, { trustFabric: wanted, rejoinMs: 60_000 }, stream);
  const rogue = rogueFor(end, role === 'listener' ? 'dialer' : 'listener');
  rogue.hello(said ? { trustFabric: true } : {});
  rogue.push();
  const attached = attach(await end.establishing);
  const sealing = laneKeys({ ...secrets, role: role === 'listener' ? 'dialer' : 'listener' }).sealing;
  // That of the rogue's HELLO.
  sealing.next();
  return { ...attached, stream, rogue, sealing };
}

const content = {
  kind: recordKind.content,
  layout: 0,
  bodyBytes: body.length,
  entry: 0,
  offset: 0,
  number: 0,
};
const recordOf = (key: RecordKey, flags = 0) => {
  const header = encodeRecordHeader(content);
  header[flagsAt] = flags;
  return sealRecord(key, header, body);
};
const plainOf = (key: RecordKey) => recordOf({ ...key, plain: true });
const changed = (record: Uint8Array, at: number, bits = 1) => {
  const copy = Uint8Array.from(record);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
};
const tampered = expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 }) as Error;

describe('a record whose body is plain', () => {
  it('is content where both trust the fabric', async () => {
    const { stream, sealing, contents, ends } = await meetOver();
    stream.deliver(plainOf(sealing.next()));
    expect([contents.length, ends]).toEqual([1, []]);
    const [{ key, record } = expect.unreachable()] = contents;
    expect(Buffer.from(openRecord(key, record).body)).toEqual(body);
  });

  it.each<[string, Over]>([
    ['was not asked whether it trusts the fabric', { wanted: false }],
    ['was not told that the sender trusts it', { said: false }],
    ['has said nothing and was told nothing', { wanted: false, said: false }],
    ['came over no fabric, whatever the sender says', { isFabric: false }],
    ['came over a relay, whatever the sender says', { isRelayed: true }],
    ['is the side that sends', { role: 'dialer' }],
  ])('ends the session at once, with exit 5 and unread, of a side that %s', async (_, over) => {
    const { stream, sealing, contents, ends, session } = await meetOver(over);
    stream.deliver(plainOf(sealing.next()));
    expect(contents).toEqual([]);
    expect(ends).toEqual([tampered]);
    expect([session.isOver, stream.resetWith]).toEqual([true, resetCode.cancelled]);
    expect(session.fabric.hasCarriedPlain).toBe(false);
  });

  it('ends the session on a lane that joined over another way', async () => {
    const met = await meet({ ...both, rejoinMs: 60_000 }, { fabric: true });
    const { lane } = await met.join(false);
    // What the dialer believes of its own end changes nothing at the other.
    met.dialer.session.fabric.handleLane(lane, () => met.first.connection);
    const fd = await openFile(10);
    met.dialer.session.sendContent(lane, contentJob(fd, 0, 10), () => undefined);
    await vi.waitFor(() => expect(met.listener.ends).toEqual(['ERR_XFER_TAMPERED']));
    expect(met.listener.records.size).toBe(0);
  });

  it('is refused where its header is altered in any bit, as every other', async () => {
    for (const at of Array.from({ length: bodyAt - lengthBytes }, (_, i) => lengthBytes + i)) {
      const { stream, sealing, contents, session } = await meetOver();
      stream.deliver(changed(plainOf(sealing.next()), at, 1 << (at % 8)));
      expect([contents.length, session.lanes]).toEqual([0, []]);
      expect(stream.resetWith).toBe(resetCode.cancelled);
    }
  });

  it('does not open where its tag is not zero', async () => {
    for (let at = bodyAt + body.length; at < overheadBytes + body.length; at++) {
      const { stream, sealing, contents } = await meetOver();
      stream.deliver(changed(plainOf(sealing.next()), at));
      const [{ key, record } = expect.unreachable()] = contents;
      expect(() => openRecord(key, record)).toThrow(tampered);
    }
  });

  it('does not open where it is sealed, and its header says that it is not', async () => {
    const { stream, sealing, contents } = await meetOver();
    stream.deliver(recordOf(sealing.next(), plainBody));
    const [{ key, record } = expect.unreachable()] = contents;
    expect(() => openRecord(key, record)).toThrow(tampered);
  });

  it('is made of a sealed one by nobody on the way', async () => {
    const { stream, sealing, contents } = await meetOver();
    const record = recordOf(sealing.next());
    record.set(body, bodyAt);
    record.fill(0, record.length - tagBytes);
    stream.deliver(record);
    const [{ key, record: came, header } = expect.unreachable()] = contents;
    expect(header.hasPlainBody).toBeUndefined();
    expect(() => openRecord(key, came)).toThrow(tampered);
  });

  it.each([2, 4, 0x80, 3])('is none with flags that nobody knows (%i)', async (flags) => {
    const { stream, sealing, contents, ends } = await meetOver();
    stream.deliver(recordOf(sealing.next(), flags));
    expect([contents, ends]).toEqual([[], [expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' })]]);
  });
});

describe('a HELLO that is altered on the way', () => {
  it('never brings two together who would send plainly', async () => {
    const rogue = laneEnd('dialer');
    rogue.lane.sendControl(1, 0, encodeHello({ ...hellos.send, trustFabric: true }));
    const [hello = expect.unreachable()] = rogue.stream.take();
    for (let at = 0; at < hello.length; at++) {
      const way = { capabilities: { isFabric: true }, isRelayed: false } as unknown as Connection;
      const end = begin('listener', both, Object.assign(new HandStream(), { connection: way }));
      end.stream.deliver(changed(hello, at, 1 << (at % 8)));
      // Of the length in clear nobody can say more than that the record is not there.
      if (at < lengthBytes) end.stream.deliverFin();
      await expect(end.establishing).rejects.toMatchObject({ exit: 5 });
    }
  });
});
