import type { JsonObject } from '../../../core/message.ts';
import type { NoteRow } from '../../../core/ports/notes.ts';
import { HttpError } from '../errors.ts';
import { json, route } from '../route.ts';
import { failure, ok, type Wire } from '../schemas/base.ts';
import { deleted, note, noteBody, notes, notesQuery } from '../schemas/notes.ts';

const missing = { description: 'No such note of yours.', schema: failure };
const off = { description: 'Notes are switched off, or there are too many.', schema: failure };

function wireNote(row: NoteRow): Wire<typeof note> {
  const { owner: _, ...shown } = row;
  return shown;
}

/** Notes of the token's person. */
export const noteRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/notes',
    summary:
      'Notes, last changed first; with `q` those with its words, best first; with `title` that one, or the titles that may have been meant.',
    scope: 'read',
    query: notesQuery,
    answers: { 200: { description: 'A page of notes.', schema: notes }, 409: off },
    async handle({ principal, query, context }) {
      const { q, title, ...page } = query;
      if (title !== undefined) {
        if (q !== undefined || page.limit !== undefined || page.cursor !== undefined) {
          throw new HttpError(400, 'invalid_input', 'Give "title" alone.');
        }
        const found = await context.gateway.noteByTitle(principal, title);
        const items = found.note === null ? [] : [wireNote(found.note)];
        return json({ notes: items, next_cursor: null, suggestions: found.suggestions });
      }
      const options = { ...page, ...(q === undefined ? {} : { query: q }) };
      const { items, nextCursor } = await context.gateway.notes(principal, options);
      return json({ notes: items.map(wireNote), next_cursor: nextCursor });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/notes',
    summary: 'Keep a note; one of the same title is replaced and keeps its id. What is left out stays as it was.',
    scope: 'manage',
    body: noteBody,
    answers: {
      200: { description: 'It replaced another one.', schema: note },
      201: { description: 'It is new.', schema: note },
      409: off,
    },
    async handle({ principal, body, context }) {
      const { metadata, ...rest } = body;
      const asked = metadata === undefined ? rest : { ...rest, metadata: metadata as JsonObject };
      const saved = await context.gateway.saveNote(principal, asked);
      return json(wireNote(saved.note), saved.created ? 201 : 200);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/notes',
    summary: 'Delete all notes for good.',
    scope: 'manage',
    answers: { 200: { description: 'How many.', schema: deleted }, 409: off },
    handle: async ({ principal, context }) => json({ deleted: await context.gateway.deleteNotes(principal) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/notes/{id}',
    summary: 'One note.',
    scope: 'read',
    answers: { 200: { description: 'The note.', schema: note }, 404: missing, 409: off },
    handle: async ({ principal, params, context }) => json(wireNote(await context.gateway.note(principal, params.id))),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/notes/{id}',
    summary: 'Delete a note for good.',
    scope: 'manage',
    answers: { 200: { description: 'It is deleted.', schema: ok }, 404: missing, 409: off },
    async handle({ principal, params, context }) {
      await context.gateway.deleteNote(principal, params.id);
      return json({ ok: true });
    },
  }),
];
