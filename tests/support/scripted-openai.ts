/** A model API on loopback whose answers a test decides, request by request: the OpenAI chat dialect, streamed. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface WireMessage {
  role: string;
  content: string | null;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

export interface WireRequest {
  model: string;
  messages: WireMessage[];
  tools?: { function: { name: string; description: string; parameters: unknown } }[];
  tool_choice?: string;
}

/** What the model says next, and what it calls. */
export interface Said {
  text?: string;
  calls?: { name: string; args: unknown }[];
}

export interface ScriptedOpenAi {
  baseUrl: string;
  readonly requests: WireRequest[];
  /** The bytes of each request. */
  readonly bodies: string[];
}

/** `callId`: the id of a call, by the number of the request and its place; default: one that never comes again. */
export async function scriptedOpenAi(
  t: Pick<TestContext, 'after'>,
  answer: (request: WireRequest, n: number) => Said | Promise<Said>,
  callId = (n: number, place: number): string => `call_${n}_${place}`,
): Promise<ScriptedOpenAi> {
  const requests: WireRequest[] = [];
  const bodies: string[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method !== 'POST') {
        response.end(JSON.stringify({ data: [] }));
        return;
      }
      const body = Buffer.concat(chunks).toString();
      const wire = JSON.parse(body) as WireRequest;
      bodies.push(body);
      const n = requests.push(wire);
      void Promise.resolve(answer(wire, n)).then(({ text = '', calls = [] }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const send = (delta: object, finish: string | null = null): void =>
          void response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
        if (text !== '') send({ role: 'assistant', content: text });
        for (const [index, { name, args }] of calls.entries())
          send({
            tool_calls: [{ index, id: callId(n, index), function: { name, arguments: JSON.stringify(args) } }],
          });
        send({}, calls.length > 0 ? 'tool_calls' : 'stop');
        const usage = { prompt_tokens: Math.ceil(body.length / 4), completion_tokens: 10 };
        response.write(`data: ${JSON.stringify({ choices: [], usage })}\n\n`);
        response.end('data: [DONE]\n\n');
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}/v1`, requests, bodies };
}

/** The words of the newest message of the person. */
export const lastAsked = ({ messages }: WireRequest): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';

/** Results of tools since then. */
export const resultsSince = ({ messages }: WireRequest): string[] => {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  return messages.slice(asked + 1).flatMap(({ role, content }) => (role === 'tool' ? [content ?? ''] : []));
};
