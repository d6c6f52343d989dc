import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultPorts, measuringDefaults, relayDefaults, waysDefaults } from '../../src/config/index.js';
import type { Finding, PathFinding, Verdict } from '../../src/app/finding.js';
import { pathLine, pathsHead, verdictLine } from '../../src/ui/path-lines.js';
import { findingLine } from '../../src/ui/finding-line.js';
import { tableStyle } from '../../src/ui/table-style.js';
import { verdictOf } from '../../src/app/doctor-verdict.js';
import { isMeasuringHeader, measuringByte, reportBytes } from '../../src/transport/measuring.js';
import { page as protocolPage } from './protocol-page.js';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('troubleshooting.md', docs), 'utf8');
const security = readFileSync(new URL('security.md', docs), 'utf8');

/** The fields of these types, or this does not compile. */
const fields: {
  readonly finding: Readonly<Record<keyof Finding, true>>;
  readonly path: Readonly<Record<keyof PathFinding, true>>;
  readonly verdict: Readonly<Record<keyof Verdict, true>>;
} = {
  finding: { subject: true, state: true, detail: true, remedy: true },
  path: {
    ...{ address: true, transport: true, state: true, connectMs: true, minRttMs: true, rttMs: true },
    ...{ lossShare: true, mtuBytes: true, mtuOf: true, goodput: true, unmeasured: true },
    ...{ code: true, detail: true },
  },
  verdict: { best: true, conclusions: true, remedies: true },
};
const states: Readonly<Record<Finding['state'], true>> = {
  ok: true,
  slower: true,
  missing: true,
  none: true,
};
const unmeasured: Readonly<Record<NonNullable<PathFinding['unmeasured']>, true>> = {
  ...{ 'not offered': true, busy: true, refused: true, lost: true },
};

describe('docs/troubleshooting.md', () => {
  it.each(Object.entries(fields))('has every field of the event %s, and no other', (event, names) => {
    const [, row = ''] = new RegExp(`^\\| \`${event}\` +\\| (.*) \\|$`, 'm').exec(page) ?? [];
    const words = [...row.matchAll(/`([\w ]+)`/g)].map(([, word = '']) => word);
    for (const name of Object.keys(names)) expect(words).toContain(name);
    const values = [
      ...Object.keys(states),
      ...Object.keys(unmeasured),
      'works',
      'fails',
      'path',
      'interface',
    ];
    expect(words.filter((word) => !(word in names) && !values.includes(word))).toEqual([]);
  });

  it('says what each word means', () => {
    for (const word of [...Object.keys(states), ...Object.keys(unmeasured)])
      expect(page).toMatch(new RegExp(`\`${word}\`[^:\n]*: `));
  });

  it('has the numbers of the code', () => {
    expect(page).toContain(`a busy relay wants ${2 * relayDefaults.maxAdmittedConnections}`);
    expect(page).toContain(
      `tcp, ws and udp at ${defaultPorts.tcp}, quic at ${defaultPorts.quic}, and tcp, wss, quic and udp at ${waysDefaults.lastPort}`,
    );
    expect(measuringDefaults).toMatchObject({ contentMs: 2000, streamsPerMinute: 16 });
  });

  it('shows what is shown', () => {
    const style = tableStyle({ json: false }, { isTTY: true, columns: 120 }, { NO_COLOR: '1' });
    const remedy = 'sudo sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608';
    const host = 'backup.example';
    const works = { state: 'works', mtuBytes: 1500 } as const;
    const paths: PathFinding[] = [
      {
        ...{ ...works, address: `tcp://${host}:4840`, transport: 'tcp', connectMs: 51 },
        ...{ minRttMs: 50, rttMs: 50, goodput: 2.1e6 },
      },
      {
        ...{ ...works, address: `udp://${host}:4840`, transport: 'udp', connectMs: 101 },
        ...{ minRttMs: 50, rttMs: 51, lossShare: 0.01, goodput: 23.9e6 },
      },
      {
        ...{ state: 'fails', address: `quic://${host}:4841`, transport: 'quic' },
        ...{ code: 'ERR_XFER_CONNECTION_REFUSED', detail: `${host}:4841: connection refused` },
      },
    ];
    const detail =
      '213 kB to receive, 213 kB to send, of 8.39 MB that are wanted: bursts on fast links are lost';
    const shown = [
      findingLine(
        { subject: 'socket buffers', state: 'slower', detail, remedy },
        { ...style, columns: Infinity },
      ),
      pathsHead(host, style),
      ...paths.map((path) => pathLine(path, style)),
      verdictLine(
        verdictOf(paths, {
          bufferBytes: 212_992,
          bufferRemedy: remedy,
          sealing: undefined,
          hearsRefusals: true,
          isSameHost: false,
        }),
        style,
      ),
    ].join('\n');
    const [, example = ''] = /--quiet\n([^]*?)\n```/.exec(page) ?? [];
    expect(shown.replaceAll(/ +$/gm, '')).toBe(example);
  });

  it('links only to what is there', () => {
    const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)(?:#([\w-]+))?/g)];
    expect(links.length).toBeGreaterThan(0);
    for (const [, path = '', anchor = ''] of links) {
      expect(existsSync(new URL(path, docs)), path).toBe(true);
      if (anchor === '') continue;
      const heading = new RegExp(`^#+ ${anchor.replaceAll('-', ' ')}$`, 'im');
      expect(readFileSync(new URL(path, docs), 'utf8')).toMatch(heading);
    }
  });
});

describe('measuring, in docs/protocol.md', () => {
  const [, section = ''] = /^### Measuring the path\n([^]*?)\n## /m.exec(protocolPage) ?? [];

  it('has the header and the bytes of the code', () => {
    const [, header = ''] = /opening header `([0-9a-f ]+)`/.exec(section) ?? [];
    expect(isMeasuringHeader(Buffer.from(header.replaceAll(' ', ''), 'hex'))).toBe(true);
    const told = [...section.matchAll(/^\| 0(\d) +\| (\w+) /gm)].map(([, byte, name = '']) => [
      name.toLowerCase(),
      Number(byte),
    ]);
    expect(told).toEqual(Object.entries(measuringByte));
    expect(section).toContain(`${reportBytes} bytes`);
  });

  it('has its limits again in the security model', () => {
    const { contentMs, maxContentBytes, streamsPerMinute, maxStreams, lifetimeMs } = measuringDefaults;
    expect(security).toContain(`${contentMs / 1000} s and ${maxContentBytes / 2 ** 30} GiB at most`);
    expect(security).toContain(
      `One address, or one /64 of IPv6, may begin ${streamsPerMinute} streams a minute`,
    );
    expect(security).toContain(`has ${maxStreams} at once, each for ${lifetimeMs / 1000} s at most`);
  });
});
