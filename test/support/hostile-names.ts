import { brokenUtf8, directory, file, link, type Offer } from './hostile-sender.js';

export interface HostileOffer {
  readonly line: string;
  readonly batches: readonly (readonly Offer[])[];
}

const good = file('good');

/** Beside an innocent file, so that a refusal has something that it must not write. */
const names = (line: string, ...paths: readonly string[]): HostileOffer[] =>
  paths.map((path) => ({ line, batches: [[good, file(path)]] }));

let pairs = 0;

/** Two entries that cannot stand beside each other, in one batch and in two; the first of two may well be written. */
function pair(line: string, make: (name: string) => readonly [Offer, Offer]): HostileOffer[] {
  const [first, second] = make(`pair-${++pairs}`);
  return [
    { line, batches: [[good, first, second]] },
    { line: `${line}, in two batches`, batches: [[first], [second]] },
  ];
}

const code = (...points: readonly number[]): string => String.fromCodePoint(...points);

/** The list of hostile names (DESIGN §7, docs/security.md): everything that refuses a whole transfer, line by line. */
export const hostileOffers: readonly HostileOffer[] = [
  ...names(
    'climbs up',
    '..',
    '../outside/new',
    'a/../../outside/new',
    'a/..',
    '../../../../../../tmp/xfer-new',
  ),
  ...names('is absolute', '/outside', '//outside', '/tmp/xfer-new'),
  ...names('is empty or the directory itself', '', '.', './a', 'a/.', 'a//b', 'a/'),
  ...names('holds a backslash', '..\\outside\\new', 'a\\b', '\\\\server\\share'),
  ...names('names a drive or a stream', 'C:\\new', 'C:/new', 'c:new', 'file:stream', 'a:b'),
  ...names('holds NUL or another C0 control', 'a\0b', 'a\nb', 'a\rb', 'a\tb', 'a\u001b[2Jb', 'a\u0007'),
  ...names('holds DEL or a C1 control', 'a\u007fb', 'a\u009b2J', 'a\u0085b'),
  ...names('turns the direction of text', 'a\u202egpj.exe', 'a\u2066b', 'a\u200fb'),
  ...names(
    'holds what does not print',
    'a\u200bb',
    'a/\ufeffb',
    'a\u2028b',
    'a\u2029b',
    'a\u00adb',
    'a\u3164b',
  ),
  ...names('holds private or unassigned points', `a${code(0xe000)}`, `a${code(0xfffe)}`, `a${code(0xe0041)}`),
  ...names('ends in a dot or a space', 'a.', 'a ', 'a./b', 'a /b', '...', ' '),
  ...names(
    'is a device',
    'CON',
    'prn',
    'aux.txt',
    'NUL',
    'a/nul.tar.gz',
    'com1',
    'LPT9.x',
    'conin$',
    'CON .txt',
  ),
  ...names('is a device with a superscript', 'COM¹', 'com².txt', 'LPT³'),
  ...names('is a name of our own', '.xfer-1234.part', '.XFER-a', 'a/.xfer-b'),
  ...names(
    'is too long or too deep',
    'a'.repeat(256),
    'ü'.repeat(128),
    'a/'.repeat(2047) + 'ab',
    'a/'.repeat(256) + 'b',
  ),
  ...pair('is there twice', (name) => [file(name), file(name)]),
  ...pair('is there twice in two normal forms', (name) => [file(`${name}\u00e9`), file(`${name}e\u0301`)]),
  ...pair('differs in case alone', (name) => [file(name), file(name.toUpperCase())]),
  ...pair('differs in case alone, beyond ASCII', (name) => [
    file(`${name}stra\u00dfe`),
    file(`${name}STRASSE`),
  ]),
  ...pair('has a parent that differs in case alone', (name) => [
    directory(name),
    file(`P${name.slice(1)}/b`),
  ]),
  ...pair('is a file and a directory', (name) => [file(name), directory(name)]),
  ...pair('lies below a file', (name) => [file(name), file(`${name}/b`)]),
  ...pair('stands where a directory is', (name) => [directory(name), file(name)]),
  ...pair('is a link and a directory', (name) => [link(name, 'b'), directory(name)]),
  ...pair('lies below a link', (name) => [link(name, '.'), file(`${name}/b`)]),
  ...pair('lies below a link that leads out', (name) => [link(name, '../outside'), file(`${name}/new`)]),
  ...pair('lies below an absolute link', (name) => [link(name, '/tmp'), file(`${name}/xfer-new`)]),
  ...pair('is a link that a file replaces', (name) => [link(name, 'b'), file(name)]),
];

/** Texts that a decoder would alter in silence: a violation of the protocol. */
export const brokenTexts: readonly HostileOffer[] = [
  ...names('is no valid UTF-8', `a${brokenUtf8}`),
  ...names('begins with a byte order mark', '\ufeffa'),
];

/** Links that are left out, one by one, while the rest is committed. */
export const hostileTargets: readonly string[] = [
  '/',
  '/etc/passwd',
  '..',
  '../outside/file',
  'a/../../outside',
  './../outside',
  'a/b/../../..',
  '',
  'C:\\new',
  'c:/new',
  '..\\outside',
  'a\nb',
  'a\u001b[2J',
  'a\0b',
  'a\u202eb',
];
