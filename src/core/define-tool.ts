import * as z from 'zod/mini';
import type { JsonObject } from './message.ts';
import { once } from './once.ts';
import type { Effect, Tool, ToolCall, ToolOutput } from './ports/tool.ts';

const maxProblemLength = 600;

/**
 * A tool whose arguments are a schema: what the model reads, what is checked and what `run` gets cannot differ. Use
 * `z.strictObject`, so that an argument which is not the model's to choose (`owner_id`, `chat_id`) is refused by name.
 * The schema is made when the tool first travels or is called: most tools of a gateway never do.
 */
export function defineTool<S extends z.ZodMiniType<object>>(
  definition: Omit<Tool, 'parameters' | 'prepare'> & {
    input: () => S;
    /** Default: all of `effects`. */
    effectsOf?: (input: z.output<S>) => readonly Effect[];
    /** See PreparedCall. */
    addressOf?: (input: z.output<S>) => string | undefined;
    run: (input: z.output<S>, call: ToolCall) => Promise<ToolOutput>;
  },
): Tool {
  const { effectsOf, addressOf, run, input: make, ...tool } = definition;
  const input = once(make);
  const parameters = once(() => parametersOf(input()));
  return {
    ...tool,
    get parameters() {
      return parameters();
    },
    prepare(args) {
      const parsed = z.safeParse(input(), args);
      if (!parsed.success) return { problem: problemOf(parsed.error) };
      const { data } = parsed;
      const address = addressOf?.(data);
      return {
        effects: effectsOf?.(data) ?? tool.effects,
        ...(address === undefined ? {} : { address }),
        run: (call) => run(data, call),
      };
    },
  };
}

/** The schema as providers want it: no dialect line, no noise. */
function parametersOf(schema: z.ZodMiniType): JsonObject {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return JSON.parse(JSON.stringify(json)) as JsonObject;
}

function problemOf(error: z.core.$ZodError): string {
  const problems = error.issues.map((issue) => {
    const said = complaint(issue);
    return issue.path.length === 0 ? said : `${issue.path.join('.')}: ${said}`;
  });
  return problems.join('; ').slice(0, maxProblemLength);
}

/** The schema library brings no words of its own in this size. */
function complaint(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `there is no argument ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
    case 'invalid_type':
      return `it takes ${issue.expected}`;
    case 'invalid_value':
      return `it takes one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}
