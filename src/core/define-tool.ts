import * as z from 'zod/mini';
import type { JsonObject } from './message.ts';
import type { Effect, Tool, ToolCall, ToolOutput } from './ports/tool.ts';

const maxProblemLength = 600;

/**
 * A tool whose arguments are a schema: what the model reads, what is checked and what `run` gets cannot differ. Use
 * `z.strictObject`, so that an argument which is not the model's to choose (`owner_id`, `chat_id`) is refused by name.
 */
export function defineTool<S extends z.ZodMiniType<object>>(
  definition: Omit<Tool, 'parameters' | 'prepare'> & {
    input: S;
    /** Default: all of `effects`. */
    effectsOf?: (input: z.output<S>) => readonly Effect[];
    run: (input: z.output<S>, call: ToolCall) => Promise<ToolOutput>;
  },
): Tool {
  const { input, effectsOf, run, ...tool } = definition;
  return {
    ...tool,
    parameters: parametersOf(input),
    prepare(args) {
      const parsed = z.safeParse(input, args);
      if (!parsed.success) return { problem: problemOf(parsed.error) };
      const { data } = parsed;
      return { effects: effectsOf?.(data) ?? tool.effects, run: (call) => run(data, call) };
    },
  };
}

/** The schema as providers want it: no dialect line, no noise. */
function parametersOf(schema: z.ZodMiniType): JsonObject {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return JSON.parse(JSON.stringify(json)) as JsonObject;
}

function problemOf(error: z.core.$ZodError): string {
  const problems = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  return problems.join('; ').slice(0, maxProblemLength);
}
