/**
 * Run as a program: an MCP server over stdio that writes each line it is told into a file, and never looks whether the
 * line stands there already. The first argument names the file. It takes its time before and after each line.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [, , book = ''] = process.argv;
const maxPauseMs = 20;

interface Asked {
  id?: number;
  method: string;
  params?: { protocolVersion?: string; arguments?: { line?: string } };
}

const inputSchema = { type: 'object', properties: { line: { type: 'string' } }, required: ['line'] };
const pause = (): Promise<void> => sleep(Math.random() * maxPauseMs);

async function enter(line: string): Promise<object> {
  await pause();
  appendFileSync(book, `${line}\n`);
  await pause();
  return { content: [{ type: 'text', text: `entered ${line}` }] };
}

function resultOf({ method, params = {} }: Asked): object | Promise<object> {
  if (method === 'initialize')
    return {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'book', version: '1' },
    };
  if (method === 'tools/list')
    return {
      tools: ['enter', 'asked'].map((name) => ({ name, description: 'Enters a line into the book.', inputSchema })),
    };
  return method === 'tools/call' ? enter(params.arguments?.line ?? '') : {};
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line) as Asked;
  if (asked.id === undefined) continue;
  void Promise.resolve(resultOf(asked)).then((result) =>
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: asked.id, result })}\n`),
  );
}
