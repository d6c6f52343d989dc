import { asXferError, XferError } from '../errors/index.js';

/** What went wrong with one plugin; the others are not touched by it. */
export interface PluginFailure {
  readonly plugin: string;
  /** ERR_XFER_PLUGIN_THREW, _EXPORT, _VERSION or _METHOD. */
  readonly error: XferError;
}

/** What `config.runHook('xfer:…', {})` of oclif resolves with, as far as it is used here. */
export interface HookResult {
  readonly successes: readonly { readonly result: unknown; readonly plugin: { readonly name: string } }[];
  readonly failures: readonly { readonly error: Error; readonly plugin: { readonly name: string } }[];
}

/** What a plugin offers, and how it is loaded. */
export interface PluginDescriptor<Kind> {
  readonly apiVersion: number;
  readonly name: string;
  /** Lower case, without the colon. */
  readonly schemes: readonly string[];
  load(): Promise<Kind>;
}

/** What is asked of plugins of one sort. */
export interface PluginSort {
  readonly apiVersion: number;
  /** As in "it gives no transport descriptor". */
  readonly noun: string;
  /** As in "its transport has no method dial". */
  readonly lacks: string;
  /** That what is loaded must have. */
  readonly methods: readonly string[];
}

/** What plugins have of one sort, by URL scheme. A bad plugin is refused with its own code and takes no other down. */
export class PluginRegistry<Kind, Descriptor extends PluginDescriptor<Kind>> {
  readonly #sort: PluginSort;
  readonly #byScheme = new Map<string, Entry<Kind, Descriptor>>();
  readonly #failures: PluginFailure[] = [];

  constructor(sort: PluginSort) {
    this.#sort = sort;
  }

  get failures(): readonly PluginFailure[] {
    return this.#failures;
  }

  /** Takes a descriptor from a plugin, or throws why not. */
  add(descriptor: unknown, pluginName: string): void {
    checkDescriptor(descriptor, pluginName, this.#sort);
    const checked = descriptor as Descriptor;
    for (const scheme of checked.schemes) {
      const other = this.#byScheme.get(scheme);
      if (!other) continue;
      throw refusal(
        'ERR_XFER_PLUGIN_EXPORT',
        pluginName,
        `the scheme ${scheme} belongs to ${other.pluginName}`,
      );
    }
    const entry = new Entry<Kind, Descriptor>(checked, pluginName, this.#sort);
    for (const scheme of checked.schemes) this.#byScheme.set(scheme, entry);
  }

  /** Like `add`, but keeps the failure instead of throwing it. */
  offer(descriptor: unknown, pluginName: string): void {
    try {
      this.add(descriptor, pluginName);
    } catch (error) {
      this.fail(error, pluginName);
    }
  }

  /** A plugin failed before it could offer anything. */
  fail(error: unknown, pluginName: string): void {
    this.#failures.push({ plugin: pluginName, error: asXferError(error) });
  }

  /** Takes all that the plugins' hooks gave. oclif swallows a hook that throws: it shows in `failures` alone. */
  addHookResult(result: HookResult): void {
    for (const { error, plugin } of result.failures)
      this.fail(refusal('ERR_XFER_PLUGIN_THREW', plugin.name, error.message, error), plugin.name);
    for (const { result: offered, plugin } of result.successes) {
      if (!Array.isArray(offered))
        this.fail(refusal('ERR_XFER_PLUGIN_EXPORT', plugin.name, 'its hook gives no array'), plugin.name);
      else for (const descriptor of offered) this.offer(descriptor, plugin.name);
    }
  }

  schemes(): readonly string[] {
    return [...this.#byScheme.keys()];
  }

  /** Each once, in the order in which they came. */
  descriptors(): readonly Descriptor[] {
    return [...new Set(this.#byScheme.values())].map(({ descriptor }) => descriptor);
  }

  /** Loads it on first use; undefined where no plugin has the scheme. Rejects with ERR_XFER_PLUGIN_THREW or _PLUGIN_METHOD. */
  protected loaded(scheme: string): Promise<Kind> | undefined {
    return this.#byScheme.get(scheme)?.load();
  }
}

/** What one plugin has, loaded once; a load that failed is tried again. */
class Entry<Kind, Descriptor extends PluginDescriptor<Kind>> {
  readonly pluginName: string;
  readonly descriptor: Descriptor;
  readonly #sort: PluginSort;
  #loading: Promise<Kind> | undefined;

  constructor(descriptor: Descriptor, pluginName: string, sort: PluginSort) {
    this.descriptor = descriptor;
    this.pluginName = pluginName;
    this.#sort = sort;
  }

  load(): Promise<Kind> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<Kind> {
    let kind: unknown;
    try {
      kind = await this.descriptor.load();
    } catch (error) {
      throw refusal('ERR_XFER_PLUGIN_THREW', this.pluginName, messageOf(error), error);
    }
    const { methods, lacks } = this.#sort;
    for (const method of methods)
      if (!isObject(kind) || typeof kind[method] !== 'function')
        throw refusal('ERR_XFER_PLUGIN_METHOD', this.pluginName, `${lacks} no method ${method}`);
    return kind as Kind;
  }
}

const schemeShape = /^[a-z][a-z0-9+.-]*$/;

function checkDescriptor(value: unknown, plugin: string, { apiVersion, noun }: PluginSort): void {
  if (!isObject(value)) throw refusal('ERR_XFER_PLUGIN_EXPORT', plugin, `it gives no ${noun} descriptor`);
  if (value['apiVersion'] !== apiVersion) {
    throw 'apiVersion' in value
      ? refusal(
          'ERR_XFER_PLUGIN_VERSION',
          plugin,
          `its apiVersion is ${String(value['apiVersion'])}, not ${apiVersion}`,
        )
      : refusal('ERR_XFER_PLUGIN_EXPORT', plugin, 'its descriptor has no apiVersion');
  }
  const { name, schemes } = value;
  const named = typeof name === 'string' && name !== '';
  const schemed = Array.isArray(schemes) && schemes.length > 0 && schemes.every(isScheme);
  if (!named || !schemed)
    throw refusal('ERR_XFER_PLUGIN_EXPORT', plugin, 'its descriptor has no name or no valid schemes');
  if (typeof value['load'] !== 'function')
    throw refusal('ERR_XFER_PLUGIN_METHOD', plugin, 'its descriptor has no method load');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isScheme = (value: unknown): boolean => typeof value === 'string' && schemeShape.test(value);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function refusal(
  code:
    'ERR_XFER_PLUGIN_THREW' | 'ERR_XFER_PLUGIN_EXPORT' | 'ERR_XFER_PLUGIN_VERSION' | 'ERR_XFER_PLUGIN_METHOD',
  plugin: string,
  what: string,
  cause?: unknown,
): XferError {
  return new XferError(code, `plugin ${plugin}: ${what}`, cause === undefined ? {} : { cause });
}
