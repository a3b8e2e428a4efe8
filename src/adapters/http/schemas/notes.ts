/** Shapes of notes. */
import * as z from 'zod/mini';
import { maxNoteLength, maxTitleLength } from '../../../core/notes.ts';
import type { NoteRow } from '../../../core/ports/notes.ts';
import { duration, nextCursor, nullable, pageFields, time } from './base.ts';

const noteTitle = z.string().check(z.minLength(1), z.maxLength(maxTitleLength));
const searched = z.string().check(z.minLength(1), z.maxLength(500));
export const noteBody = () =>
  z.strictObject({
    title: noteTitle,
    text: z.string().check(z.minLength(1), z.maxLength(maxNoteLength)),
    metadata: z.exactOptional(z.looseObject({})),
    expires: z.exactOptional(z.nullable(duration)),
  });
export const notesQuery = () =>
  z.strictObject({
    q: z.exactOptional(searched),
    title: z.exactOptional(noteTitle),
    ...pageFields(),
  });

const noteFields = () =>
  ({
    id: z.string(),
    title: z.string(),
    text: z.string(),
    metadata: z.looseObject({}),
    source: z.string(),
    outside: nullable(z.string()),
    createdAt: time,
    updatedAt: time,
    expiresAt: nullable(time),
  }) satisfies Record<keyof Omit<NoteRow, 'owner'>, unknown>;
export const note = () => z.strictObject(noteFields());
export const notes = () =>
  z.strictObject({
    notes: z.array(note()),
    next_cursor: nextCursor,
    suggestions: z.optional(z.array(z.string())),
  });

export const deleted = () => z.strictObject({ deleted: z.number() });
