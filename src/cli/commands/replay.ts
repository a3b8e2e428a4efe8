import { readFile } from 'node:fs/promises';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';

interface Answer {
  offline: boolean;
  same: boolean;
  diverged: number | null;
  recorded: { text: string; model: string };
  text: string;
  model: string;
  steps: { calls: { tool: string }[] }[];
  missing: { tool: string }[];
  cost: { amount: number } | null;
}

/** Exit 1 when an offline replay is not what was recorded: a check that a script can make. */
export const replay: Handler = async (invocation) => {
  const { options, positionals, terminal } = invocation;
  const [model, file] = [options.value('model'), options.value('prompt')];
  const client = await GatewayClient.of(invocation);
  const answer = await client.post<Answer>(`/api/v1/runs/${encodeURIComponent(positionals[0] ?? '')}/replay`, {
    ...(model === undefined ? {} : { model }),
    ...(file === undefined ? {} : { prompt: await promptIn(file) }),
  });
  if (options.has('json')) terminal.json(answer);
  else for (const line of linesOf(answer)) terminal.line(line);
  return answer.offline && (!answer.same || answer.diverged !== null) ? 1 : 0;
};

async function promptIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new CliError(`--prompt: ${file} cannot be read.`, 2);
  }
}

function linesOf({ offline, same, diverged, recorded, text, model, steps, missing, cost }: Answer): string[] {
  const calls = steps.flatMap((step) => step.calls.map(({ tool }) => tool));
  return [
    offline ? 'Played from the recording; nobody was asked.' : `Asked ${model}; recorded was ${recorded.model}.`,
    ...(calls.length === 0 ? [] : [`Tools: ${calls.join(', ')}`]),
    ...(missing.length === 0 ? [] : [`Not in the recording: ${missing.map(({ tool }) => tool).join(', ')}`]),
    ...(diverged === null ? [] : [`From model call ${diverged} on the request is not the recorded one.`]),
    ...(cost === null ? [] : [`Cost: $${cost.amount.toFixed(6)}`]),
    same ? 'The answer is the recorded one:' : 'The answer is another one:',
    text,
  ];
}
