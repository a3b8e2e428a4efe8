import { createInterface } from 'node:readline';
import type { ChatAnswer } from '../../core/ports/gateway.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { hearJobs } from '../heard.ts';
import { readMessage } from '../read-message.ts';

const defaultSession = 'cli';

export const chat: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const message = invocation.options.value('message');
  if (message === undefined && invocation.options.has('dry-run')) throw new CliError('--dry-run takes -m TEXT.', 2);
  if (message === undefined) return await converse(client, invocation);
  const text = await readMessage(message, invocation.terminal.input);
  if (invocation.options.has('dry-run')) return await tryOnce(client, invocation, text);
  return await askOnce(client, invocation, text);
};

const sessionOf = ({ options }: Invocation): string => options.value('session') ?? defaultSession;

interface Tried {
  text: string;
  calls: { tool: string; args: object; decision: string }[];
}

/** What a turn would do. */
async function tryOnce(client: GatewayClient, invocation: Invocation, text: string): Promise<number> {
  const tried = await client.post<Tried>('/api/v1/chat/dry-run', { text, session: sessionOf(invocation) });
  const { options, terminal } = invocation;
  if (options.has('json')) terminal.json(tried);
  else {
    for (const { tool, args, decision } of tried.calls) terminal.line(`[${decision}] ${tool} ${JSON.stringify(args)}`);
    terminal.line(tried.text);
  }
  return 0;
}

/** Prints the reply and nothing else. A pipe gets exactly the stored text, a person sees it grow. */
async function askOnce(client: GatewayClient, invocation: Invocation, text: string): Promise<number> {
  const { options, terminal } = invocation;
  const json = options.has('json');
  const streamed = terminal.interactive && !json;
  const turn = new AbortController();
  const interrupt = (): void => turn.abort();
  process.once('SIGINT', interrupt);
  try {
    const answer = await listen(client, invocation, text, turn.signal, streamed, () => undefined);
    if (json) terminal.json(answer);
    else if (!streamed) terminal.line(answer.reply.text);
    return 0;
  } catch (error) {
    if (turn.signal.aborted) throw new CliError('Stopped; the gateway ends the run and keeps your message.');
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/**
 * One line, one message; between them what jobs send here. Ctrl-C ends the answer that is being given, else the
 * conversation; Ctrl-D ends it too.
 */
async function converse(client: GatewayClient, invocation: Invocation): Promise<number> {
  const { terminal, options } = invocation;
  const json = options.has('json');
  const prompt = terminal.interactive ? 'you> ' : '';
  const lines = createInterface({
    input: terminal.input,
    ...(terminal.interactive ? { output: process.stdout, terminal: true } : {}),
    prompt,
  });
  let stopAnswer: (() => void) | null = null;
  lines.on('SIGINT', () => {
    if (stopAnswer === null) lines.close();
    else stopAnswer();
  });
  if (terminal.interactive) {
    terminal.line(`Talking to ${client.url}, session ${sessionOf(invocation)}. Ctrl-C stops an answer, Ctrl-D leaves.`);
  }
  let closed = false;
  const left = new AbortController();
  lines.once('close', () => {
    closed = true;
    left.abort();
  });
  const ask = (): void => {
    if (terminal.interactive && !closed) lines.prompt();
  };
  let failures = 0;
  let answering = false;
  const waiting: string[] = [];
  const hear = (text: string): void => {
    if (answering) waiting.push(text);
    else {
      terminal.line(`\n${text}`);
      // What was typed so far stays.
      lines.prompt(true);
    }
  };
  if (terminal.interactive) void hearJobs(client, sessionOf(invocation), left.signal, hear);
  ask();
  for await (const line of lines) {
    if (line.trim() === '') {
      ask();
      continue;
    }
    const turn = new AbortController();
    let runId: string | null = null;
    stopAnswer = () => {
      // First politely, so that what was said so far is told apart from a lost connection; again: hang up.
      if (runId === null) turn.abort();
      else void client.abortRun(runId).catch(() => turn.abort());
      stopAnswer = () => turn.abort();
    };
    answering = true;
    try {
      const answer = await listen(client, invocation, line, turn.signal, !json, (id) => (runId = id));
      if (json) terminal.json(answer);
    } catch (error) {
      if (!turn.signal.aborted && !(error instanceof CliError)) throw error;
      failures += 1;
      terminal.complain(error instanceof CliError ? error.message : 'Stopped.');
    }
    stopAnswer = null;
    answering = false;
    for (const text of waiting.splice(0)) terminal.line(text);
    ask();
  }
  if (terminal.interactive) terminal.line('');
  return terminal.interactive || failures === 0 ? 0 : 1;
}

async function listen(
  client: GatewayClient,
  invocation: Invocation,
  text: string,
  signal: AbortSignal,
  streamed: boolean,
  onRun: (runId: string) => void,
): Promise<ChatAnswer> {
  const { terminal, options } = invocation;
  let shown = '';
  for await (const event of client.chat({ text, session: sessionOf(invocation) }, signal)) {
    switch (event.type) {
      case 'started':
        onRun(event.runId);
        break;
      case 'delta':
        shown += event.text;
        if (streamed) terminal.write(event.text);
        break;
      case 'retrying':
        if (streamed && shown !== '') terminal.line('');
        shown = '';
        if (options.has('verbose')) terminal.complain(`(asked again: ${event.reason})`);
        break;
      case 'tool':
        if (options.has('verbose')) terminal.complain(`(tool ${event.tool} ${event.state})`);
        break;
      case 'finished':
        if (streamed) terminal.line(unseen(event.answer.reply.text, shown));
        return event.answer;
      case 'failed':
        if (streamed && shown !== '') terminal.line('');
        throw new CliError(event.error.message);
    }
  }
  throw new CliError('The gateway ended the answer early.');
}

/** What the final text says beyond what was streamed; all of it, on a new line, when the two differ. */
function unseen(reply: string, shown: string): string {
  if (reply.startsWith(shown)) return reply.slice(shown.length);
  return `\n${reply}`;
}
