import type { TaskKind } from '../../../core/ports/task-kind.ts';

/** A text as it is, or a result that waited, with all that belongs to it. */
export const textKind = (): TaskKind<'text'> => ({
  kind: 'text',
  repeatable: true,
  async run({ payload, task }) {
    const held = 'files' in payload ? payload : null;
    return Promise.resolve({
      text: payload.text,
      files: held?.files ?? [],
      outside: held === null ? task.origin.tainted : held.outside,
    });
  },
});
