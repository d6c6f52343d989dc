import { asXferError, XferError } from '../errors/index.js';
import type { HookResult, PluginFailure } from '../transport/registry.js';
import { endpointApiVersion, type EndpointDescriptor, type EndpointKind } from './endpoint.js';

/** The endpoints of this process, by URL scheme. A bad plugin is refused with its own code and takes no other down. */
export class EndpointRegistry {
  readonly #byScheme = new Map<string, Entry>();
  readonly #failures: PluginFailure[] = [];

  get failures(): readonly PluginFailure[] {
    return this.#failures;
  }

  get descriptors(): readonly EndpointDescriptor[] {
    return [...new Set(this.#byScheme.values())].map(({ descriptor }) => descriptor);
  }

  get schemes(): readonly string[] {
    return [...this.#byScheme.keys()];
  }

  /** Takes a descriptor, or throws why not. */
  add(descriptor: unknown, pluginName: string): void {
    const checked = checkDescriptor(descriptor, pluginName);
    for (const scheme of checked.schemes) {
      const other = this.#byScheme.get(scheme);
      if (other)
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

  /** The scheme of what an endpoint of this registry reads; undefined for anything else, such as a target. */
  schemeOf(url: string): string | undefined {
    const scheme = /^([a-z][a-z0-9+.-]*):/.exec(url)?.[1];
    return scheme !== undefined && this.#byScheme.has(scheme) ? scheme : undefined;
  }

  /** Loads the kind of a URL on first use. Rejects with ERR_XFER_NO_ENDPOINT, _PLUGIN_THREW or _PLUGIN_METHOD. */
  async kindOf(url: string): Promise<EndpointKind> {
    const scheme = this.schemeOf(url);
    const entry = scheme === undefined ? undefined : this.#byScheme.get(scheme);
    if (entry) return entry.load();
    const known = this.schemes.map((name) => `${name}:`).join(', ') || 'none';
    throw new XferError('ERR_XFER_NO_ENDPOINT', `there is no such endpoint (there are: ${known})`);
  }
}

/** Adds what the plugins' hook `xfer:endpoints` gave, each plugin an array. */
export function addHookResult(registry: EndpointRegistry, result: HookResult): void {
  for (const { error, plugin } of result.failures)
    registry.fail(refusal('ERR_XFER_PLUGIN_THREW', plugin.name, error.message, error), plugin.name);
  for (const { result: offered, plugin } of result.successes) {
    if (!Array.isArray(offered))
      registry.fail(refusal('ERR_XFER_PLUGIN_EXPORT', plugin.name, 'its hook gives no array'), plugin.name);
    else for (const descriptor of offered) registry.offer(descriptor, plugin.name);
  }
}

/** A plugin's endpoints, loaded once; a load that failed is tried again. */
class Entry {
  readonly pluginName: string;
  readonly descriptor: EndpointDescriptor;
  #loading: Promise<EndpointKind> | undefined;

  constructor(descriptor: EndpointDescriptor, pluginName: string) {
    this.descriptor = descriptor;
    this.pluginName = pluginName;
  }

  load(): Promise<EndpointKind> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<EndpointKind> {
    let kind: unknown;
    try {
      kind = await this.descriptor.load();
    } catch (error) {
      throw refusal('ERR_XFER_PLUGIN_THREW', this.pluginName, messageOf(error), error);
    }
    for (const method of ['check', 'open'] as const)
      if (!isObject(kind) || typeof kind[method] !== 'function')
        throw refusal('ERR_XFER_PLUGIN_METHOD', this.pluginName, `its endpoints have no method ${method}`);
    return kind as EndpointKind;
  }
}

const schemeShape = /^[a-z][a-z0-9+.-]*$/;

function checkDescriptor(value: unknown, plugin: string): EndpointDescriptor {
  if (!isObject(value)) throw refusal('ERR_XFER_PLUGIN_EXPORT', plugin, 'it gives no endpoint descriptor');
  const { apiVersion, name, schemes, load } = value;
  if (apiVersion !== endpointApiVersion)
    throw 'apiVersion' in value
      ? refusal(
          'ERR_XFER_PLUGIN_VERSION',
          plugin,
          `its apiVersion is ${String(apiVersion)}, not ${endpointApiVersion}`,
        )
      : refusal('ERR_XFER_PLUGIN_EXPORT', plugin, 'its descriptor has no apiVersion');
  const isNamed = typeof name === 'string' && name !== '';
  const isSchemed = Array.isArray(schemes) && schemes.length > 0 && schemes.every(isScheme);
  if (!isNamed || !isSchemed)
    throw refusal('ERR_XFER_PLUGIN_EXPORT', plugin, 'its descriptor has no name or no valid schemes');
  if (typeof load !== 'function')
    throw refusal('ERR_XFER_PLUGIN_METHOD', plugin, 'its descriptor has no method load');
  return value as unknown as EndpointDescriptor;
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
