import { existsSync, readdirSync } from 'node:fs';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** A layer imports only from those below it (to its right). */
const layers = [
  ...['commands', 'ui', 'bench', 'app', 'pipe', 'transfer', 'session', 'relay'],
  ...['mux', 'transport', 'native', 'config', 'errors'],
];

/** The package's entries stand above every layer but the commands, which no library imports. */
const entries = ['index.ts', 'plugin.ts', 'compliance.ts', 'program.ts'].map((file) => `./src/${file}`);

const layerZones = layers.flatMap((layer, rank) => [
  {
    target: `./src/${layer}`,
    from: [...layers.slice(0, rank).map((above) => `./src/${above}`), ...entries],
    message: `${layer} may import only from the layers below it: ${layers.slice(rank + 1).join(', ') || 'none'}`,
  },
]);

const plugins = existsSync('plugins') ? readdirSync('plugins').filter((name) => name !== 'node_modules') : [];
const pluginZones = plugins
  .flatMap((plugin) => [
    {
      target: `./plugins/${plugin}`,
      from: './src',
      message: "plugins import 'xfer/plugin' and nothing else of the core",
    },
    {
      target: `./plugins/${plugin}`,
      from: plugins.filter((other) => other !== plugin).map((other) => `./plugins/${other}`),
      message: 'plugins never import each other',
    },
  ])
  .filter(({ from }) => from.length > 0);

/** Protocols as pure state machines: time and randomness are arguments (see docs/protocol.md). */
const sansIo = [
  'src/mux/**/*.ts',
  'src/{pipe,relay,session,transfer,transport}/*-core.ts',
  'plugins/udp/src/{core,congestion,hello}/**/*.ts',
  'plugins/rdma/src/{bootstrap-fields,bootstrap-message,delivery-rate-core,message-head,provider-choice}.ts',
];
/** What joins the cores to sockets and clocks. */
const drivers = [
  'src/mux/driver.ts',
  'src/mux/ordered-port.ts',
  'src/mux/streams-port.ts',
  'src/mux/mux-stream.ts',
  'src/mux/dead-stream.ts',
  'src/mux/index.ts',
  'plugins/udp/src/hello/node-hello-crypto.ts',
];

const clocks = ['Date', 'performance', 'process', 'crypto', 'queueMicrotask'];
const timers = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
];

export default defineConfig(
  globalIgnores([
    'dist/',
    'plugins/*/dist/',
    'native/build/',
    'coverage/',
    'test/**/fixtures/',
    '.xfer-bench/',
  ]),
  {
    files: ['**/*.{js,mjs,ts,tsx}'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({
          extensionAlias: { '.js': ['.ts', '.tsx', '.js'] },
          conditionNames: ['types', 'import', 'default'],
        }),
      ],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-self-import': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/no-restricted-paths': ['error', { zones: [...layerZones, ...pluginZones] }],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers in messages are what they look like.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => this.#write(x)` where nothing is expected back is how handlers read best.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Code points are what is meant where a string is spread.
      '@typescript-eslint/no-misused-spread': 'off',
      // The contracts declare their callbacks as methods; objects of such are taken apart and passed on.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: sansIo,
    ignores: drivers,
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^node:', message: 'a sans-IO core imports nothing of Node' }] },
      ],
      'no-restricted-globals': ['error', ...clocks, ...timers],
      'no-restricted-syntax': [
        'error',
        { selector: 'AwaitExpression', message: 'a sans-IO core has no promises' },
        { selector: "NewExpression[callee.name='Promise']", message: 'a sans-IO core has no promises' },
        {
          selector: "MemberExpression[object.name='Math'][property.name='random']",
          message: 'randomness is an argument',
        },
      ],
    },
  },
  {
    files: ['plugins/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^xfer(?!/plugin$)',
              message: "plugins import 'xfer/plugin' and nothing else of the core",
            },
            { regex: '^@xfer/', message: 'plugins never import each other' },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Fixtures and matchers are looser than the code under test.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['bin/**', '.ci/**', 'native/**/*.mjs', 'test/bench/**', 'eslint.config.js'],
    rules: { 'no-console': 'off' },
  },
);
