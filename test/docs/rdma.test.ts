import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  bootstrapKind,
  bootstrapVersion,
  encodeBootstrap,
  maxBootstrapBytes,
  refusalCode,
} from '../../plugins/rdma/src/bootstrap-message.js';
import { messageHeadBytes, messageType } from '../../plugins/rdma/src/message-head.js';
import { defaultPorts, rdmaDefaults } from '../../src/config/index.js';
import { recordLayout } from '../../src/native/api.js';
import { page as protocol } from './protocol-page.js';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('rdma.md', docs), 'utf8');
const security = readFileSync(new URL('security.md', docs), 'utf8');
const section = (heading: string): string =>
  new RegExp(`^### ${heading}\\n([^]*?)\\n### `, 'm').exec(protocol)?.[1] ?? '';
const addonHeaderBytes = 16;

describe('the bootstrap of rdma, in docs/protocol.md', () => {
  const text = section('The bootstrap of rdma');

  it('begins its messages as the code does', () => {
    const [, magic = ''] = /`([0-9a-f ]+)` \(`xfrf`\)/.exec(text) ?? [];
    const message = encodeBootstrap({ kind: 'finished' });
    const hex = magic.replaceAll(' ', '');
    expect(Buffer.from(message).toString('hex')).toBe(`${hex}05000000`);
    expect(text).toContain(`${maxBootstrapBytes} bytes in all at most`);
  });

  it('has each kind, version and refusal', () => {
    const kinds = [...text.matchAll(/^\| (\d) +\| (\w+) /gm)].map(([, number, name = '']) => [
      name.toLowerCase(),
      Number(number),
    ]);
    expect(kinds).toEqual(Object.entries(bootstrapKind));
    expect(text).toContain(`version u16, now ${bootstrapVersion}`);
    const { version, noProvider, limit, notOpened } = refusalCode;
    expect(text).toContain(
      `${version} version, ${noProvider} no common provider, ${limit} limit, ${notOpened} no endpoint opens`,
    );
  });
});

describe('messages of a fabric, in docs/protocol.md', () => {
  const text = section('Messages of a fabric');

  it('have the types and lengths of the code', () => {
    const { control, content, end } = messageType;
    expect(text).toContain(`${control} control, ${content} content, ${end} end`);
    expect(text).toContain(`begins with ${addonHeaderBytes} bytes`);
    expect(text).toContain(`the head, ${messageHeadBytes} bytes`);
    expect(text).toContain(`begins at byte ${addonHeaderBytes + messageHeadBytes + recordLayout.bodyAt}`);
  });
});

describe('docs/rdma.md', () => {
  it('has the port and the numbers of the code', () => {
    const { largeCount, smallCount, largeBytes, smallBytes, memoryBlocks, memoryBlocksAtOnce } = rdmaDefaults;
    const { maxEndpoints, maxUnprovenEndpoints } = rdmaDefaults;
    expect(page).toContain(`port ${defaultPorts.rdma} where none is given`);
    expect(largeBytes).toBe(2 ** 20 + 4096);
    expect(page).toContain(`${largeCount} of 1 MiB and a page, ${smallCount} of ${smallBytes / 1024} KiB`);
    const megabytes = Math.round((largeCount * largeBytes + smallCount * smallBytes) / 1e6);
    expect(page).toContain(
      `${megabytes} MB. Blocks to make records in: ${memoryBlocksAtOnce} from the beginning, up to ${memoryBlocks}`,
    );
    expect(page).toContain(`${maxEndpoints} connections at most, of those ${maxUnprovenEndpoints}`);
    expect(security).toContain(`has ${maxUnprovenEndpoints} whose dialer`);
    expect(security).toContain(`registers ${megabytes} MB before`);
  });

  it('has every scheme, each at the same port', () => {
    const schemes = Object.keys(defaultPorts).filter((scheme) => scheme.startsWith('rdma+'));
    expect(schemes).toHaveLength(4);
    for (const scheme of schemes) expect(page).toContain(`\`${scheme}://\``);
    const ports: Readonly<Record<string, number>> = defaultPorts;
    expect(new Set(schemes.map((scheme) => ports[scheme]))).toEqual(new Set([defaultPorts.rdma]));
  });

  it('says plainly what was not tested', () => {
    expect(page).toMatch(/EFA and verbs hardware was \*\*not\*\* tested/);
    for (const provider of ['efa', 'verbs;ofi_rxm'])
      expect(page).toMatch(new RegExp(`^\\| \`${provider}\` +\\| \\*\\*not tested\\*\\*`, 'm'));
  });
});
