/** Shapes of people, and of who may come in. */
import * as z from 'zod/mini';
import type { PairingDecision, PairingList, PersonDetail, PersonInfo } from '../../../core/ports/gateway.ts';
import { nextCursor, nullable, time } from './base.ts';

const role = z.enum(['owner', 'member', 'guest']);
const personInfo = () =>
  ({
    id: z.string(),
    name: z.string(),
    role,
    language: nullable(z.string()),
    createdAt: time,
  }) satisfies Record<keyof PersonInfo, unknown>;
export const person = () => z.strictObject(personInfo());
export const people = () => z.strictObject({ people: z.array(person()), next_cursor: nextCursor });
export const personDetail = () =>
  z.strictObject({
    ...personInfo(),
    identities: z.array(
      z.strictObject({ channel: z.string(), sender: z.string(), display: z.string(), admitted: z.boolean() }),
    ),
  } satisfies Record<keyof PersonDetail, unknown>);
export const roleBody = () => z.strictObject({ role });
/** An account such as `telegram:main`, and the id of somebody there. */
export const unlinkBody = () =>
  z.strictObject({
    channel: z.string().check(z.minLength(1), z.maxLength(100)),
    sender: z.string().check(z.minLength(1), z.maxLength(512)),
  });
export const linkCode = () => z.strictObject({ code: z.string(), expiresAt: time });

const candidate = () => ({ id: z.string(), channel: z.string(), sender: z.string(), display: z.string() });
export const pairings = () =>
  z.strictObject({
    requests: z.array(z.strictObject({ ...candidate(), createdAt: time, expiresAt: time })),
    admitted: z.array(z.strictObject({ ...candidate(), person: z.string(), role, by: z.string(), at: time })),
  } satisfies Record<keyof PairingList, unknown>);
/** As a person types it, with or without its dash, or the id of a request. */
const pairingCode = z.string().check(z.minLength(1), z.maxLength(128));
export const approveBody = () =>
  z.strictObject({ code: pairingCode, role: z.exactOptional(z.enum(['member', 'guest'])) });
export const rejectBody = () => z.strictObject({ code: pairingCode });
export const pairingDecision = () =>
  z.strictObject({
    outcome: z.enum(['approved', 'rejected']),
    repeated: z.boolean(),
    person: nullable(z.string()),
    who: z.string(),
  } satisfies Record<keyof PairingDecision, unknown>);
