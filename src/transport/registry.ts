import { asXferError, XferError } from '../errors/index.js';
import { transportApiVersion, type Transport, type TransportDescriptor } from './contract.js';

/** What went wrong with one plugin; the others are not touched by it. */
export interface PluginFailure {
  readonly plugin: string;
  /** ERR_XFER_PLUGIN_THREW, _EXPORT, _VERSION or _METHOD. */
  readonly error: XferError;
}

/** The transports of this process, by URL scheme. A bad plugin is refused with its own code and takes no other down. */
export class TransportRegistry {
  readonly #byScheme = new Map<string, Entry>();
  readonly #failures: PluginFailure[] = [];

  get failures(): readonly PluginFailure[] {
    return this.#failures;
  }

  /** Takes a descriptor from a plugin, or throws why not. */
  add(descriptor: unknown, pluginName: string): void {
    const checked = checkDescriptor(descriptor, pluginName);
    for (const scheme of checked.schemes) {
      const other = this.#byScheme.get(scheme);
      if (!other) continue;
      throw refusal(
        'ERR_XFER_PLUGIN_EXPORT',
        pluginName,
        `the scheme ${scheme} belongs to ${other.pluginName}`,
      );
    }
    const entry = new Entry(checked, pluginName);
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

  schemes(): readonly string[] {
    return [...this.#byScheme.keys()];
  }

  /** Each transport once, in the order in which they came. */
  descriptors(): readonly TransportDescriptor[] {
    return [...new Set(this.#byScheme.values())].map(({ descriptor }) => descriptor);
  }

  /** Loads the transport on first use. Rejects with ERR_XFER_NO_TRANSPORT, _PLUGIN_THREW or _PLUGIN_METHOD. */
  async get(scheme: string): Promise<Transport> {
    const entry = this.#byScheme.get(scheme);
    if (entry) return entry.load();
    const known = this.schemes().join(', ') || 'none';
    throw new XferError('ERR_XFER_NO_TRANSPORT', `no transport for ${scheme}:// (there are: ${known})`);
  }
}

/** What `config.runHook('xfer:transports', {})` of oclif resolves with, as far as it is used here. */
export interface HookResult {
  readonly successes: readonly { readonly result: unknown; readonly plugin: { readonly name: string } }[];
  readonly failures: readonly { readonly error: Error; readonly plugin: { readonly name: string } }[];
}

/** A registry of all that the plugins' hooks gave. oclif swallows a hook that throws: it shows in `failures` alone. */
export function registryFromHookResult(result: HookResult): TransportRegistry {
  const registry = new TransportRegistry();
  for (const { error, plugin } of result.failures)
    registry.fail(refusal('ERR_XFER_PLUGIN_THREW', plugin.name, error.message, error), plugin.name);
  for (const { result: offered, plugin } of result.successes) {
    if (!Array.isArray(offered)) {
      registry.fail(refusal('ERR_XFER_PLUGIN_EXPORT', plugin.name, 'its hook gives no array'), plugin.name);
      continue;
    }
    for (const descriptor of offered) registry.offer(descriptor, plugin.name);
  }
  return registry;
}

/** A plugin's transport, loaded once; a load that failed is tried again. */
class Entry {
  readonly pluginName: string;
  readonly descriptor: TransportDescriptor;
  #loading: Promise<Transport> | undefined;

  constructor(descriptor: TransportDescriptor, pluginName: string) {
    this.descriptor = descriptor;
    this.pluginName = pluginName;
  }

  load(): Promise<Transport> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<Transport> {
    let transport: unknown;
    try {
      transport = await this.descriptor.load();
    } catch (error) {
      throw refusal('ERR_XFER_PLUGIN_THREW', this.pluginName, messageOf(error), error);
    }
    for (const method of ['probe', 'listen', 'dial'] as const)
      if (!isObject(transport) || typeof transport[method] !== 'function')
        throw refusal('ERR_XFER_PLUGIN_METHOD', this.pluginName, `its transport has no method ${method}`);
    return transport as Transport;
  }
}

const schemeShape = /^[a-z][a-z0-9+.-]*$/;

function checkDescriptor(value: unknown, plugin: string): TransportDescriptor {
  if (!isObject(value)) throw refusal('ERR_XFER_PLUGIN_EXPORT', plugin, 'it gives no transport descriptor');
  if (value['apiVersion'] !== transportApiVersion) {
    throw 'apiVersion' in value
      ? refusal(
          'ERR_XFER_PLUGIN_VERSION',
          plugin,
          `its apiVersion is ${String(value['apiVersion'])}, not ${transportApiVersion}`,
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
  return value as unknown as TransportDescriptor;
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
