import type { JsonObject } from '../../core/message.ts';
import { canonicalJson } from '../../core/canonical-json.ts';

/** The same call with the same result so often tells the model so, and then ends the run. */
const repeatsToTell = 3;
const repeatsToStop = 5;
const maxRemembered = 1000;

/** Notices a model that goes round in circles: the same tool, the same arguments, the same result. */
export class LoopBreaker {
  readonly #seen = new Map<string, { result: string; repeats: number }>();

  /** What a result is the how-manieth of in a row. */
  note(tool: string, args: JsonObject, result: string): 'go_on' | 'tell' | 'stop' {
    const key = `${tool} ${canonicalJson(args)}`;
    const before = this.#seen.get(key);
    const repeats = before?.result === result ? before.repeats + 1 : 1;
    if (this.#seen.size >= maxRemembered) this.#seen.clear();
    this.#seen.set(key, { result, repeats });
    if (repeats >= repeatsToStop) return 'stop';
    return repeats >= repeatsToTell ? 'tell' : 'go_on';
  }
}
