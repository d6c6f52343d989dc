import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseRelayConfig, relayConfigSchema } from '../../src/app/relay-config.js';
import { relayLimits } from '../../src/app/relay-limits.js';
import { RelayMetrics } from '../../src/app/relay-metrics.js';
import { healthOf, RelayWatch } from '../../src/app/relay-status.js';
import { muxDefaults, relayDefaults } from '../../src/config/index.js';
import { refusalReasons } from '../../src/relay/refusal-reason.js';
import { parseExposition } from '../support/exposition.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/relays.md', import.meta.url)), 'utf8');
const [, example = ''] = /```json\n(\{\n {2}"listen"[^]*?)\n```/.exec(page) ?? [];

/** The table whose head begins with this word: first cells, and whole rows. */
function rowsOf(head: string): { first: string; row: string }[] {
  const [, rows = ''] =
    new RegExp(`^\\| ${head} [^\\n]*\\n\\|[-| ]+\\n((?:\\|[^\\n]*\\n)+)`, 'm').exec(page) ?? [];
  return rows
    .trim()
    .split('\n')
    .map((row) => ({ first: row.split(' | ')[0]?.slice(2).trim() ?? '', row }));
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '');

interface Schema {
  readonly type: string;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly pipe?: readonly Schema[];
  readonly entries?: Readonly<Record<string, Schema>>;
}

/** Every field that the schema knows, as the page writes them: `peers[].name`. */
function fieldsOf(schema: Schema, path = ''): string[] {
  if (schema.wrapped) return fieldsOf(schema.wrapped, path);
  if (schema.pipe && !schema.entries) return fieldsOf(schema.pipe[0] as Schema, path);
  if (schema.item) return fieldsOf(schema.item, `${path}[]`);
  if (!schema.entries) return [path.replace(/\[\]$/, '')];
  return Object.entries(schema.entries).flatMap(([name, entry]) =>
    fieldsOf(entry, path === '' ? name : `${path}.${name}`),
  );
}

/** The same of a value. */
function fieldsIn(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => fieldsIn(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path.replace(/\[\]$/, '')];
  return Object.entries(value).flatMap(([name, entry]) =>
    fieldsIn(entry, path === '' ? name : `${path}.${name}`),
  );
}

const fields = fieldsOf(relayConfigSchema).sort();

describe('the configuration on the page', () => {
  it('has every field, and no other', () => {
    expect(fields.length).toBeGreaterThan(20);
    expect(
      rowsOf('field')
        .flatMap(({ first }) => quoted(first))
        .sort(),
    ).toEqual(fields);
  });

  it('is shown by an example that has all of them, and is right', () => {
    expect([...new Set(fieldsIn(JSON.parse(example)))].sort()).toEqual(fields);
    const config = parseRelayConfig(example, '/etc/xfer/relay.json');
    expect(config.tls?.certificate).toBe('/etc/xfer/relay.crt');
  });

  it('names the defaults of the limits', () => {
    const defaults = { ...muxDefaults, ...relayDefaults } as Record<string, number | undefined>;
    const shown = JSON.parse(example) as { limits: Record<string, number | string> };
    const rows = new Map(rowsOf('field').map(({ first, row }) => [quoted(first)[0] ?? '', row]));
    const said = (name: string) => rows.get(`limits.${name}`)?.split('|').at(-2)?.trim();
    const config = parseRelayConfig(example, 'relay.json');
    for (const [name, value] of Object.entries(relayLimits(config)))
      if (name !== 'bytesPerSecondPerPeer') expect(value, name).toBe(defaults[name]);
    for (const [name, value] of Object.entries(shown.limits))
      if (name !== 'bytesPerSecondPerPeer') expect(said(name), name).toBe(String(value));
    expect(config.limits?.handshakeTimeout).toBe(relayDefaults.handshakeTimeoutMs);
    expect(config.limits?.idleTimeout).toBe(relayDefaults.idleTimeoutMs);
    expect(page).toContain(`(${relayDefaults.drainTimeoutMs / 1000} s)`);
  });
});

describe('the metrics on the page', () => {
  it('are those that there are', async () => {
    const { families } = parseExposition(await new RelayMetrics(new RelayWatch({})).text());
    const ours = [...families.keys()].filter((name) => name.startsWith('xfer_')).sort();
    const listed = rowsOf('metric').flatMap(({ first }) => quoted(first));
    expect(listed.filter((name) => name.startsWith('xfer_')).sort()).toEqual(ours);
  });

  it('have the reasons for refusals that there are', () => {
    expect(
      rowsOf('reason for')
        .flatMap(({ first }) => quoted(first))
        .sort(),
    ).toEqual([...refusalReasons].sort());
  });

  it('and the health check have the fields that it has', () => {
    const [, shown = ''] = /```json\n(\{\n {2}"status"[^]*?)\n```/.exec(page) ?? [];
    const { limits, ...told } = JSON.parse(shown) as { limits: object };
    const { report } = healthOf(new RelayWatch({}));
    expect(Object.keys({ ...told, limits }).sort()).toEqual(Object.keys(report).sort());
    expect(Object.keys(report['limits'] as object)).toEqual(expect.arrayContaining(Object.keys(limits)));
  });
});
