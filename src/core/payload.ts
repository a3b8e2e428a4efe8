/** What a job or a task does. The schema is what every surface accepts and what is stored. */
import * as z from 'zod/mini';
import type { OutboundFile } from './message.ts';
import { once } from './once.ts';

/** Characters of a text or a prompt. */
export const maxPayloadText = 8000;
export const maxWorkflowSteps = 20;

const id = (max = 64) => z.string().check(z.regex(new RegExp(`^[A-Za-z][A-Za-z0-9_-]{0,${max - 1}}$`)));
const words = (max = maxPayloadText) => z.string().check(z.trim(), z.minLength(1), z.maxLength(max));
const address = () =>
  z
    .string()
    .check(
      z.trim(),
      z.regex(/^https?:\/\/\S+$/i, 'must be an address such as https://example.org/page'),
      z.maxLength(2048),
    );

const simple = () =>
  [
    /** Delivers the text as it is. */
    z.strictObject({ kind: z.literal('text'), text: words() }),
    /** Asks the agent; its answer is the result. `silent`: it may find that there is nothing to tell. */
    z.strictObject({
      kind: z.literal('ask'),
      prompt: words(),
      agent: z.optional(words(64)),
      model: z.optional(words(200)),
      silent: z.optional(z.boolean()),
    }),
    /** Calls a tool; what it returns is the result. */
    z.strictObject({ kind: z.literal('tool'), tool: words(64), args: z.optional(z.record(z.string(), z.json())) }),
    /**
     * Fetches a page. `changed`: the result is what changed since the time before, nothing when nothing did, and nothing the
     * first time. `prompt`: the agent is asked this about it.
     */
    z.strictObject({
      kind: z.literal('fetch'),
      url: address(),
      changed: z.optional(z.boolean()),
      prompt: z.optional(words()),
    }),
    /** Looks something up in the person's notes and files. */
    z.strictObject({
      kind: z.literal('lookup'),
      query: words(500),
      in: z.optional(z.array(z.enum(['notes', 'files'])).check(z.minLength(1), z.maxLength(2))),
      limit: z.optional(z.int().check(z.minimum(1), z.maximum(20))),
    }),
    /** Posts to `[webhooks.out.NAME]`, signed. */
    z.strictObject({ kind: z.literal('webhook'), name: id(32), body: z.optional(z.json()) }),
    /** Makes a file and hands it over: of a given text, or of what the agent answers to a prompt. */
    z.strictObject({
      kind: z.literal('file'),
      name: words(120),
      text: z.optional(words(200_000)),
      prompt: z.optional(words()),
    }),
  ] as const;

const simpleSchema = () => z.discriminatedUnion('kind', simple());

/** In texts of a step `{{ID}}` stands for the result of the step ID, which must be among its `needs`. */
const step = () =>
  z.strictObject({
    id: id(32),
    needs: z.optional(z.array(id(32)).check(z.maxLength(maxWorkflowSteps))),
    do: simpleSchema(),
    /** Done, newest first, for each step that was done, when a later one failed for good. */
    undo: z.optional(simpleSchema()),
  });

export const payloadSchema = once(() =>
  z.discriminatedUnion('kind', [
    ...simple(),
    z.strictObject({
      kind: z.literal('workflow'),
      steps: z.array(step()).check(z.minLength(1), z.maxLength(maxWorkflowSteps)),
    }),
  ]),
);

export type SimplePayload = z.output<ReturnType<typeof simpleSchema>>;
export type WorkflowStep = z.output<ReturnType<typeof step>>;
/** What people may have done. */
export type PersonPayload = z.output<ReturnType<typeof payloadSchema>>;
/** A result that waited, such as for the end of quiet hours: handed over as it is. */
export interface HeldResult {
  kind: 'text';
  text: string;
  files: OutboundFile[];
  outside: string | null;
}
/** A result on its way to a webhook; `task` is whose it is. */
export interface HeldPost {
  kind: 'webhook';
  name: string;
  result: { task: string; text: string };
}
/** The gateway's own chores are jobs like others; nobody but the gateway makes them, nor what was held. */
export type Payload = PersonPayload | HeldResult | HeldPost | { kind: 'chore'; chore: string };
export type PayloadKind = Payload['kind'];
