import { Command, Flags } from '@oclif/core';
import type { CommonOptions } from '../app/options.js';
import type { XferEvent } from '../app/events.js';
import { homeDirectory } from '../config/index.js';
import { chooseView } from '../ui/choose-view.js';
import type { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { TransportRegistry } from '../transport/registry.js';
import { interruptSignal } from '../ui/interrupt.js';
import type { View } from '../ui/view.js';
import { asReported } from './reported-error.js';

/** What decides about a view. */
export interface ViewFlags {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What every command has: `--json`, `--quiet`, and one way to report an error and to exit. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({
      default: false,
      description: 'print events for programs on stdout, one JSON object a line',
    }),
    quiet: Flags.boolean({ default: false, char: 'q', description: 'print errors only' }),
  };

  #view: View | undefined;
  #lastError: string | undefined;
  /** What was told already: of one of several targets, or by the command itself. */
  readonly #told = new Set<string>();

  /** Runs a transfer with a view, transports and a signal to end it, if it has none of its own. */
  protected async transfer(
    flags: ViewFlags,
    work: (options: CommonOptions, view: View) => Promise<unknown>,
    own: { readonly signal?: AbortSignal; readonly view?: View } = {},
  ): Promise<void> {
    const signal = own.signal ?? interruptSignal();
    const view = own.view ?? (await this.view(flags));
    this.#view = view;
    const transports = await this.transports();
    await work(
      { home: homeDirectory(), signal, transports, onEvent: (event) => this.#show(view, event) },
      view,
    );
    await view.close();
  }

  /** What shows the events of this command. */
  protected view(flags: ViewFlags): View | Promise<View> {
    return chooseView(flags);
  }

  /** What the plugins have. */
  protected async transports(): Promise<TransportRegistry> {
    const { registryFromHookResult } = await import('../transport/registry.js');
    return registryFromHookResult(await this.config.runHook('xfer:transports', {}));
  }

  /** What pipes can end in: `registry` with those of the core, and what the plugins have. */
  protected async withEndpoints<Registry extends EndpointRegistry>(registry: Registry): Promise<Registry> {
    const { coreEndpoints } = await import('../pipe/core-endpoints.js');
    for (const descriptor of coreEndpoints()) registry.add(descriptor, 'xfer');
    registry.addHookResult(await this.config.runHook('xfer:endpoints', {}));
    return registry;
  }

  /** Prints data: on stdout, a line. */
  protected data(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** Every failure of a command ends here, once: shown, and turned into the exit status. */
  protected override async catch(error: Error): Promise<void> {
    const { code, message, remedy, exit } = asReported(error);
    process.exitCode = exit;
    const flags = { json: this.#has('--json'), quiet: this.#has('--quiet') || this.#has('-q') };
    const view = this.#view ?? (await this.view(flags));
    // The application may have told of it already, as the outcome of one transfer.
    const isTold = this.#lastError === message || this.#told.has(message);
    if (!isTold) view.onEvent({ event: 'error', code, message, remedy, exit });
    await view.close();
    if (process.env['XFER_DEBUG'] === '1') process.stderr.write(`${error.stack ?? message}\n`);
  }

  /** It was told where it belongs, among what the command prints: `catch` gives its exit status alone. */
  protected told({ message }: Error): void {
    this.#told.add(message);
  }

  #show(view: View, event: XferEvent): void {
    this.#lastError = event.event === 'error' ? event.message : undefined;
    if (event.event === 'error' && event.target !== undefined) this.#told.add(event.message);
    view.onEvent(event);
  }

  #has(flag: string): boolean {
    const end = this.argv.indexOf('--');
    return this.argv.slice(0, end < 0 ? undefined : end).includes(flag);
  }
}
