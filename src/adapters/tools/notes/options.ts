import { flag, integer, table, withDefault } from '../../../core/fields.ts';

export const memoryOptions = () =>
  table('What is remembered for each person beyond a conversation.', {
    notes: withDefault(flag('Whether people and the model may keep notes.'), true),
    default_limit: withDefault(integer('Notes of a page, when nothing else is asked for.', 1, 200), 20),
    max_limit: withDefault(integer('The most notes of a page.', 1, 200), 100),
    max_notes: withDefault(integer('Notes of one person.', 1, 5000), 1000),
  });
