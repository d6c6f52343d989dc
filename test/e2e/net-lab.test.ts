import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { netLab, whyNoLab, type Block, type NetLab } from '../support/net-lab.js';

const probePath = fileURLToPath(new URL('../support/lab-probe.mjs', import.meta.url));
const title = 'a net lab';
const wires = ['emulated', 'veth'] as const;

describe.skipIf(whyNoLab !== undefined)(whyNoLab ? `${title} (skipped: ${whyNoLab})` : title, () => {
  it.each(wires)('lets everything through at first, by %s', async (wire) => {
    const lab = await netLab({ wire });
    await serving(lab);
    expect(await reached(lab)).toEqual({
      ...{ 'tcp 443': 'answer', 'tcp 4840': 'answer' },
      ...{ 'udp 443': 'answer', 'udp 4840': 'answer' },
    });
    await lab.close();
  });

  it.each<[string, readonly Block[], readonly string[]]>([
    ['UDP', [{ protocol: 'udp' }], ['tcp 443', 'tcp 4840']],
    ['TCP', [{ protocol: 'tcp' }], ['udp 443', 'udp 4840']],
    ['a port of both', [{ port: 4840 }], ['tcp 443', 'udp 443']],
    ['all but one port', [{ exceptPort: 443 }], ['tcp 443', 'udp 443']],
    ['all but one port of TCP', [{ exceptPort: 443 }, { protocol: 'udp' }], ['tcp 443']],
  ])('drops %s in silence, and lets it through again', async (_what, blocks, left) => {
    const lab = await netLab({ wire: 'veth' });
    await serving(lab);
    await lab.block(...blocks);
    const found = await reached(lab);
    for (const [what, outcome] of Object.entries(found))
      expect(outcome, what).toBe(left.includes(what) ? 'answer' : 'silence');
    await lab.block();
    expect(new Set(Object.values(await reached(lab)))).toEqual(new Set(['answer']));
    await lab.close();
  });

  it('rejects aloud where asked', async () => {
    const lab = await netLab({ wire: 'veth' });
    await serving(lab);
    await lab.block({ port: 4840, reject: true });
    expect(await reached(lab)).toEqual({
      ...{ 'tcp 443': 'answer', 'tcp 4840': 'ECONNREFUSED' },
      ...{ 'udp 443': 'answer', 'udp 4840': 'ECONNREFUSED' },
    });
    await lab.close();
  });

  it.each(wires)('throttles the protocol that is named, by %s', async (wire) => {
    const lab = await netLab({ wire });
    await serving(lab);
    const take = () => said(lab, 'take', '1000000') as Promise<number>;
    await lab.throttle({ tcp: 8e6 });
    const throttledMs = await take();
    // A second at the rate; what a burst and the queue's end hold may be there earlier.
    expect(throttledMs).toBeGreaterThan(800);
    await lab.throttle({ udp: 8e6 });
    expect(await take()).toBeLessThan(throttledMs / 2);
    await lab.close();
  });
});

async function reached(lab: NetLab): Promise<Record<string, string>> {
  return (await said(lab, 'reach')) as Record<string, string>;
}

async function serving(lab: NetLab): Promise<void> {
  await firstLine(lab.server.spawn(process.execPath, [probePath, 'serve']));
}

function said(lab: NetLab, mode: string, ...args: string[]): Promise<unknown> {
  return firstLine(lab.client.spawn(process.execPath, [probePath, mode, lab.server.address, ...args]));
}

async function firstLine(child: ChildProcess): Promise<unknown> {
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return JSON.parse(line);
}
