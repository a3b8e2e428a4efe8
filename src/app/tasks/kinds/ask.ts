import type { TaskKind } from '../../../core/ports/task-kind.ts';
import type { Questions } from '../question.ts';

const sayNothing = 'If there is nothing to tell, answer with this one word only: NOTHING';
/** The word alone, however it is dressed. */
const nothing = /^[\s"'`*_.([]*nothing[\s"'`*_.!)\]]*$/i;

/** Asks the agent; its answer and the files that go along with it are the result. */
export const askKind = ({ questions }: { questions: Questions }): TaskKind<'ask'> => ({
  kind: 'ask',
  repeatable: true,
  problem: (payload) => Promise.resolve(questions.problem(payload)),
  async run(work) {
    const { prompt, silent = false, ...by } = work.payload;
    const asked = { ...by, prompt: silent ? `${prompt}\n\n[${sayNothing}]` : prompt };
    const { asks, ...result } = await questions.ask(work, asked);
    return silent && !asks && nothing.test(result.text) ? { ...result, text: '' } : result;
  },
});
