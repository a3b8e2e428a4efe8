import * as z from 'zod/mini';
import { once } from '../../core/once.ts';
import { HttpError } from './errors.ts';
import { parseJson } from './json.ts';
import { id, noFields, sessionKey, type Wire } from './schemas/base.ts';
import { chatFrame } from './schemas/chat.ts';
import { validate } from './validate.ts';

/** Sessions one socket may name in `subscribe`. */
const maxSubscribed = 100;

/** What a client calls a frame by, so that it knows the answers to it again. */
export type FrameId = string | number | null;

const frameId = once(() => z.union([z.string().check(z.maxLength(128)), z.number()]));
const frame = once(() =>
  z.strictObject({
    type: z.string().check(z.minLength(1), z.maxLength(64)),
    id: z.exactOptional(frameId()),
    payload: z.exactOptional(z.record(z.string(), z.any())),
    timestamp: z.exactOptional(z.string().check(z.maxLength(64))),
  }),
);

const payloads = {
  // Loose on purpose: whatever else is declared here (scopes, roles) means nothing.
  auth: once(() => z.looseObject({ token: z.string() })),
  'chat.send': once(chatFrame),
  'chat.abort': once(() => z.strictObject({ run_id: id })),
  subscribe: once(() =>
    z.union([
      z.strictObject({ all: z.literal(true) }),
      z.strictObject({ sessions: z.array(sessionKey).check(z.maxLength(maxSubscribed)) }),
    ]),
  ),
  ping: noFields,
} as const;

type Payloads = typeof payloads;
/** What a client may say, checked. */
export type ClientFrame = {
  [T in keyof Payloads]: { type: T; id: FrameId; payload: Wire<Payloads[T]> };
}[keyof Payloads];

/** A frame that is not understood; `id` is repeated when at least that much was. */
export class FrameError extends Error {
  readonly id: FrameId;
  override readonly cause: unknown;

  constructor(id: FrameId, cause: unknown) {
    super('malformed frame');
    this.id = id;
    this.cause = cause;
  }
}

const isKnown = (type: string): type is keyof Payloads => Object.hasOwn(payloads, type);

export function parseFrame(bytes: Uint8Array): ClientFrame {
  let id: FrameId = null;
  try {
    const value = parseJson(bytes);
    id = idOf(value);
    const { type, payload } = validate(frame(), value);
    if (!isKnown(type)) throw new HttpError(400, 'unknown_type', `There is no frame type ${JSON.stringify(type)}.`);
    return { type, id, payload: validate(payloads[type](), payload ?? {}) } as ClientFrame;
  } catch (error) {
    throw new FrameError(id, error);
  }
}

/** Also of a frame that is wrong in everything else: its sender waits for an answer by it. */
function idOf(value: unknown): FrameId {
  const asked = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  return frameId().safeParse(asked).data ?? null;
}

let newestAt = Number.NaN;
let newestTime = '';

/** ISO-8601; most frames of a busy moment have the time of the one before. */
function isoTime(at: number): string {
  if (at !== newestAt) {
    newestAt = at;
    newestTime = new Date(at).toISOString();
  }
  return newestTime;
}

/** The text of a frame to a client. `id` repeats that of the frame it answers. */
export const frameText = (type: string, payload: unknown, id: FrameId, now: number): string =>
  JSON.stringify({ type, id: id ?? undefined, payload, timestamp: isoTime(now) });

/** A text as one unmasked WebSocket frame (RFC 6455, section 5.2), header and payload in one piece: one write, not two. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = 0x81;
  if (headerLength === 2) frame[1] = length;
  else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerLength);
  return frame;
}
