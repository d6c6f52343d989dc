import { open } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { asXferError, fileError, XferError } from '../errors/index.js';
import type { XferEvent } from './events.js';
import { maxConfigBytes, parseRelayConfig, type RelayConfig } from './relay-config.js';
import type { RelayPeers } from '../relay/relay-peers.js';
import { relayPeers } from './relay-peers.js';

/** What is read once, when the relay starts. */
const fixedFields = ['listen', 'metrics', 'limits', 'rollout', 'tls'] as const;

/** The configuration of a relay that runs: it may be read again, and what is wrong then changes nothing. */
export class RelaySettings implements RelayPeers {
  readonly #path: string | undefined;
  readonly #onEvent: (event: XferEvent) => void;
  readonly #listeners: ((config: RelayConfig) => void)[] = [];
  #config: RelayConfig = {};
  #peers: RelayPeers = relayPeers({});
  #reading: Promise<void> = Promise.resolve();

  private constructor(path: string | undefined, onEvent: (event: XferEvent) => void) {
    this.#path = path;
    this.#onEvent = onEvent;
  }

  /** Rejects with ERR_XFER_USAGE for what is wrong in the file, else with the error of the file operation. */
  static async open(path: string | undefined, onEvent: (event: XferEvent) => void): Promise<RelaySettings> {
    const settings = new RelaySettings(path, onEvent);
    if (path !== undefined) settings.#take(await settings.#read(path));
    return settings;
  }

  /** As it is now. */
  get config(): RelayConfig {
    return this.#config;
  }

  get isPrivate(): boolean {
    return this.#peers.isPrivate;
  }

  findKey(key: Uint8Array): ReturnType<RelayPeers['findKey']> {
    return this.#peers.findKey(key);
  }

  findToken(token: string): ReturnType<RelayPeers['findToken']> {
    return this.#peers.findToken(token);
  }

  /** Called with every new configuration. */
  onChange(listener: (config: RelayConfig) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads the file again and tells by events what came of it; one after the other, and never rejects. */
  reload(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#reload());
    return this.#reading;
  }

  async #reload(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return this.#note('there is no configuration to read again: --config FILE');
    try {
      const before = this.#config;
      const config = await this.#read(path);
      this.#take(config);
      for (const listener of this.#listeners) listener(config);
      const fixed = fixedFields.filter((field) => !isDeepStrictEqual(before[field], config[field]));
      const later = fixed.length > 0 ? `; a new ${fixed.join(', ')} needs a restart` : '';
      this.#note(`${path} was read again${later}`);
    } catch (error) {
      const { code, message, remedy, exit } = asXferError(error);
      const kept = `${message}; the configuration stays as it was`;
      this.#onEvent({ event: 'error', code, message: kept, remedy, exit });
    }
  }

  #take(config: RelayConfig): void {
    this.#config = config;
    this.#peers = relayPeers(config);
  }

  async #read(path: string): Promise<RelayConfig> {
    const { text, mode } = await readWhole(path);
    const config = parseRelayConfig(text, path);
    const isOpen = process.platform !== 'win32' && (mode & 0o004) !== 0;
    if (isOpen && config.tokens !== undefined && config.tokens.length > 0)
      this.#note(`everybody on this machine can read the tokens in ${path}: chmod 640 ${path}`);
    return config;
  }

  #note(message: string): void {
    this.#onEvent({ event: 'note', message });
  }
}

async function readWhole(path: string): Promise<{ text: string; mode: number }> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > maxConfigBytes)
        throw new XferError('ERR_XFER_USAGE', `${path} is no configuration file, or too large for one`);
      return { text: await file.readFile('utf8'), mode: stat.mode };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof XferError ? cause : fileError(cause, `cannot read ${path}`);
  }
}
