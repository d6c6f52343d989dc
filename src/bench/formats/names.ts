/** What `--format` takes. */
export const benchFormats = ['github-action-benchmark', 'junit', 'markdown', 'csv'] as const;
export type BenchFormat = (typeof benchFormats)[number];
