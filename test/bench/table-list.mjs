import { benchTable } from './bench-table.mjs';
import { headlineTable } from './headline-table.mjs';
import { caption, cell } from './read-result.mjs';
import { seedsTable } from './seeds-table.mjs';
import { table } from './table.mjs';

/** Tables by the name in their marker: the results that each needs, and its Markdown. */
export const tables = {
  headline: { needs: ['transfer', 'pipes', 'relays'], markdown: headlineTable },
  // It says itself which of its results are not there.
  seeds: { needs: [], markdown: seedsTable },
  ...Object.fromEntries(
    [
      ...['transfer', 'large', 'many-files', 'pipes', 'pipe-faults', 'pool'],
      ...['relays', 'datagrams', 'rdma', 'links', 'auto'],
    ].map((name) => [name, { needs: [name], markdown: (found) => rowsTable(found[name]) }]),
  ),
  ...Object.fromEntries(
    ['bench', 'tcp', 'stream-layer'].map((name) => [
      name,
      { needs: [name], markdown: (found) => benchTable(found[name]) },
    ]),
  ),
};

/** Of `run.mjs`: as it prints them itself. */
function rowsTable(result) {
  const rows = result.rows.map((row) => ({
    ...row,
    ...Object.fromEntries(
      ['title', 'part', 'peerName', 'skipped'].filter((key) => row[key]).map((key) => [key, cell(row[key])]),
    ),
  }));
  const notes = (result.notes ?? []).map((note) => `- ${cell(note)}`).join('\n');
  return `${caption(result)}\n\n${table(rows, true)}\n\n${notes}`;
}
