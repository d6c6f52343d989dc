import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pipePlaces, type PipeWords } from '../../../src/app/pipe-places.js';
import type { PipePlace } from '../../../src/app/pipe-options.js';
import { isXferError } from '../../../src/errors/index.js';

const schemes = ['file', 'exec', 'tcp-connect', 'tcp-listen'];
const endpoints = {
  schemes: () => schemes,
  schemeOf: (url: string) => schemes.find((scheme) => url.startsWith(`${scheme}:`)),
};

const stdio: PipePlace = { kind: 'stdio' };
const host = (target: string): PipePlace => ({ kind: 'target', target });
const end = (url: string): PipePlace => ({ kind: 'endpoint', url });
const listening = (...urls: string[]): PipePlace => ({ kind: 'listen', urls });

const places = (...words: string[]) => pipePlaces({ words }, endpoints);
const listenTo = (listen: string[], ...words: string[]) => pipePlaces({ words, listen }, endpoints);

/** The code of what it throws, and both of its sentences. */
function refusal(typed: PipeWords): { code: string; said: string } {
  try {
    pipePlaces(typed, endpoints);
  } catch (error) {
    if (isXferError(error)) return { code: error.code, said: `${error.message}: ${error.remedy}` };
    throw error;
  }
  throw new Error('it was taken');
}

describe('the places of a pipe', () => {
  it.each<[string, string[], PipePlace[], PipePlace[]]>([
    ['one word is where stdin goes', ['a'], [stdio], [host('a')]],
    ['a first - makes the rest destinations', ['-', 'a', 'b', 'c'], [stdio], ['a', 'b', 'c'].map(host)],
    ['a last - makes the rest sources', ['a', 'b', '-'], ['a', 'b'].map(host), [stdio]],
    ['one source', ['a', '-'], [host('a')], [stdio]],
    ['one destination', ['-', 'a'], [stdio], [host('a')]],
    ['two without - are from and to', ['a', 'b'], [host('a')], [host('b')]],
    ['an endpoint alone', ['file:x'], [stdio], [end('file:x')]],
    ['an endpoint to a target', ['exec:tar c .', 'a'], [end('exec:tar c .')], [host('a')]],
    ['a target to an endpoint', ['a', 'file:x'], [host('a')], [end('file:x')]],
    ['two endpoints', ['file:x', 'exec:sort'], [end('file:x')], [end('exec:sort')]],
    ['fan-out to endpoints too', ['-', 'a', 'file:x'], [stdio], [host('a'), end('file:x')]],
    ['gathering from endpoints too', ['a', 'exec:x', '-'], [host('a'), end('exec:x')], [stdio]],
    ['a port is no endpoint', ['host:4840'], [stdio], [host('host:4840')]],
    ['a scheme with // is a target', ['udp://h:1'], [stdio], [host('udp://h:1')]],
    ['an IPv6 target', ['[::1]:4840'], [stdio], [host('[::1]:4840')]],
    ['whoever comes is given stdin', ['listen:'], [stdio], [listening()]],
    ['whoever comes gives stdout', ['listen:', '-'], [listening()], [stdio]],
    ['URLs to listen on', ['listen:tcp://:1,udp://:1', '-'], [listening('tcp://:1', 'udp://:1')], [stdio]],
    ['an endpoint for whoever comes', ['file:x', 'listen:'], [end('file:x')], [listening()]],
  ])('%s', (_, words, from, to) => {
    expect(places(...words)).toEqual({ from, to });
  });

  it.each<[string, string[], PipePlace[], PipePlace[]]>([
    ['no word: what comes goes to stdout', [], [listening('tcp://:1')], [stdio]],
    ['- alone: stdin goes there', ['-'], [stdio], [listening('tcp://:1')]],
    ['an endpoint: what comes goes into it', ['file:x'], [listening('tcp://:1')], [end('file:x')]],
    ['a target: what comes goes there', ['a'], [listening('tcp://:1')], [host('a')]],
  ])('--listen and %s', (_, words, from, to) => {
    expect(listenTo(['tcp://:1'], ...words)).toEqual({ from, to });
  });

  it('listens on every URL of --listen in one place', () => {
    const { from } = listenTo(['tcp://:1', 'udp://:2,quic://:3']);
    expect(from).toEqual([listening('tcp://:1', 'udp://:2', 'quic://:3')]);
  });

  it('waits in a room of a relay', () => {
    const typed = { words: [], isRelayed: true };
    const waiting = (listen: string) => pipePlaces({ ...typed, listen: [listen] }, endpoints).from;
    expect(waiting('room:4821')).toEqual([{ kind: 'listen', urls: [], room: '4821' }]);
    expect(waiting('room:')).toEqual([{ kind: 'listen', urls: [] }]);
    expect(waiting('tcp://:1,room:4821')).toEqual([{ kind: 'listen', urls: ['tcp://:1'], room: '4821' }]);
    expect(pipePlaces({ words: ['room:4821'], isRelayed: true }, endpoints).to).toEqual([host('room:4821')]);
  });

  it.each<[string, string[]]>([
    ['stdin there and stdout back', ['a']],
    ['the same, in full', ['-', 'a']],
    ['an endpoint', ['tcp-listen::1', 'a']],
  ])('lets content go back: %s', (_, words) => {
    expect(pipePlaces({ words, duplex: true }, endpoints)).toEqual(places(...words));
  });
});

describe('what is no pipe', () => {
  it.each<[string, string[], string]>([
    ['no word', [], 'xfer pipe TARGET'],
    ['- alone', ['-'], 'xfer pipe - TARGET'],
    ['- -', ['-', '-'], 'xfer pipe - TARGET'],
    ['- first and last', ['-', 'a', '-'], '- stands once'],
    ['two - first', ['-', '-', 'a'], '- stands once'],
    ['- in the middle', ['a', '-', 'b'], 'first where the others are destinations'],
    ['three without -', ['a', 'b', 'c'], 'first where the others are destinations'],
    ['an empty word', [''], 'a place is empty'],
    ['a path', ['./out.sql'], 'file:./out.sql'],
    ['an absolute path', ['/srv/out'], 'file:/srv/out'],
    ['an ssh target', ['me@host'], 'xfer pipe --listen over there'],
    ['a room without a relay', ['room:1'], '--via'],
    ['a listening room without a relay', ['listen:room:1'], '--via'],
    ['a local directory', ['local:/tmp'], 'file:PATH'],
    ['an empty URL to listen on', ['listen:tcp://:1,'], '--listen tcp://'],
    ['two listening places', ['listen:', 'listen:tcp://:1'], 'listen:URL,URL'],
    ['a listening one of several', ['-', 'a', 'listen:'], 'listen: stands alone'],
  ])('is refused: %s', (_, words, told) => {
    const { code, said } = refusal({ words });
    expect(code).toBe('ERR_XFER_USAGE');
    expect(said).toContain(told);
  });

  it.each<[string, string[]]>([
    ['two places', ['a', 'b']],
    ['- and another', ['-', 'a']],
    ['another and -', ['a', '-']],
  ])('is refused: --listen beside %s', (_, words) => {
    expect(refusal({ words, listen: ['tcp://:1'] }).said).toContain('xfer pipe FROM listen:URL');
  });

  it('is refused: --listen with a place that listens', () => {
    expect(refusal({ words: ['listen:'], listen: ['tcp://:1'] }).said).toContain('one place listens');
  });

  it('is refused: two rooms', () => {
    const typed = { words: [], listen: ['room:1', 'room:2'], isRelayed: true };
    expect(refusal(typed).said).toContain('one room');
  });

  it.each([[['-', 'a', 'b']], [['a', 'b', '-']]])('is refused: --duplex for %j', (words) => {
    const { code, said } = refusal({ words, duplex: true });
    expect(code).toBe('ERR_XFER_USAGE');
    expect(said).toContain('--duplex is between two places');
  });

  it.each([
    'zmq+pull:bind:tcp://*:5555',
    'zmq+pull:5555',
    'ZMQ+PUB:x',
    'exce:gzip',
    'host.example:dir',
    'a:',
  ])('is no host to be dialled: %s', (word) => {
    const { code, said } = refusal({ words: [word] });
    expect(code).toBe('ERR_XFER_NO_ENDPOINT');
    expect(said).toContain('there are: file:, exec:');
  });

  it('is told of as an address where it is nothing else', () => {
    expect(refusal({ words: ['2001:db8::1'] }).code).toBe('ERR_XFER_BAD_ADDRESS');
    expect(refusal({ words: ['fe80::1'] }).code).toBe('ERR_XFER_BAD_ADDRESS');
    expect(refusal({ words: ['host:99999'] }).code).toBe('ERR_XFER_BAD_ADDRESS');
  });
});

it('takes any words for places with something on both sides, or says what to do', () => {
  const word = fc.oneof(
    fc.constantFrom('-', 'listen:', 'a', 'file:x', 'room:1', 'zmq+sub:x'),
    fc.string({ maxLength: 12 }),
  );
  const many = fc.array(word, { maxLength: 4 });
  fc.assert(
    fc.property(many, many, fc.boolean(), fc.boolean(), (words, listen, duplex, isRelayed) => {
      try {
        const { from, to } = pipePlaces({ words, listen, duplex, isRelayed }, endpoints);
        expect(from.length * to.length).toBeGreaterThan(0);
        expect([...from, ...to].filter(({ kind }) => kind === 'stdio').length).toBeLessThan(2);
      } catch (error) {
        if (!isXferError(error)) throw error;
        expect(['ERR_XFER_USAGE', 'ERR_XFER_BAD_ADDRESS', 'ERR_XFER_NO_ENDPOINT']).toContain(error.code);
        expect(error.remedy).not.toBe('');
      }
    }),
  );
});
