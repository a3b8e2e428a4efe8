/** Why a plugin is not used, in one sentence for its operator. */
export class PluginProblem extends Error {
  override readonly name = 'PluginProblem';
}

/** What a plugin threw, in words; it may be anything. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : 'unknown error';
  return text.split('\n', 1)[0]?.slice(0, 300) ?? '';
}

/** Settles as the work does, or rejects with a PluginProblem when it takes longer. The work itself cannot be ended. */
export async function within<T>(ms: number, work: Promise<T>, problem: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new PluginProblem(problem)), ms);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
