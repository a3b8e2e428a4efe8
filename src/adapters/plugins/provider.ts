import type { ModelEvent, Provider, ProviderError } from '../../core/ports/provider.ts';
import { wordsOf } from './problem.ts';

/** A plugin's provider, or why there is none at the moment. */
export type ProviderNow = () => Promise<Provider | string>;

/** The provider of a plugin, whichever the plugin has now; what goes wrong with it is an error event. */
export class PluginProvider implements Provider {
  readonly id: string;
  readonly dialect = 'plugin';
  readonly #now: ProviderNow;
  readonly #failed: (error: unknown) => void;

  constructor(id: string, now: ProviderNow, failed: (error: unknown) => void) {
    this.id = id;
    this.#now = now;
    this.#failed = failed;
  }

  async stream(...[request, signal, emit]: Parameters<Provider['stream']>): Promise<void> {
    let begun = false;
    let ended = false;
    const tell = (event: ModelEvent): void => {
      if (ended) return;
      begun ||= event.type !== 'start' && event.type !== 'status';
      ended = event.type === 'finish' || event.type === 'error';
      emit(event);
    };
    const fail = (error: Omit<ProviderError, 'phase'>): void =>
      tell({ type: 'error', error: { ...error, phase: begun ? 'mid_output' : 'before_output' } });
    const provider = await this.#provider();
    if (typeof provider === 'string')
      return tell({ type: 'error', error: { kind: 'server', phase: 'connect', accepted: 'no', detail: provider } });
    try {
      await provider.stream(request, signal, tell);
      fail(
        signal.aborted
          ? { kind: 'aborted', accepted: 'maybe', detail: 'aborted' }
          : { kind: 'stream_incomplete', accepted: 'maybe', detail: 'The plugin ended its stream without an end.' },
      );
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      fail({ kind: signal.aborted ? 'aborted' : 'server', accepted: 'maybe', detail: wordsOf(error) });
    }
  }

  async listModels(signal: AbortSignal): ReturnType<Provider['listModels']> {
    const provider = await this.#provider();
    return typeof provider === 'string' ? [] : provider.listModels(signal);
  }

  async health(signal: AbortSignal): ReturnType<Provider['health']> {
    const provider = await this.#provider();
    if (typeof provider === 'string') return { ok: false, detail: provider };
    try {
      return await provider.health(signal);
    } catch (error) {
      return { ok: false, detail: wordsOf(error) };
    }
  }

  async #provider(): Promise<Provider | string> {
    try {
      return await this.#now();
    } catch (error) {
      this.#failed(error);
      return wordsOf(error);
    }
  }
}
