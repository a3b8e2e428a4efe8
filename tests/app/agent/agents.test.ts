import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { askAgent } from '../../../src/app/agent/ask-agent.ts';
import { boundAgent } from '../../../src/app/agent/bindings.ts';
import { Compaction } from '../../../src/app/agent/compaction.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import type { CallInQuestion } from '../../../src/core/ports/gate.ts';
import type { ToolSource } from '../../../src/core/ports/tool.ts';
import { agent, messagePath, principal } from '../../support/message-path.ts';
import { finish, start, text, usage, type Step } from '../../support/scripted-provider.ts';

const answering = (words: string): Step[] => [start, text(words), usage, finish];
const calling = (name: string, args: object): Step[] => [
  start,
  { type: 'tool_call', id: `c_${name}`, name, args } as Step,
  usage,
  { type: 'finish', reason: 'tool_calls', raw: 'tool_calls' },
];

test('the first binding that fits decides, and what it does not say fits everything', () => {
  const bindings = [
    { agent: 'desk', channel: 'telegram:work', role: 'guest' as const },
    { agent: 'family', conversation: '-5' },
    { agent: 'chat', channel: 'telegram' },
  ];
  const at = (channel: string, account: string, native: string) => ({
    channel,
    account,
    conversation: { channel, account, native },
  });
  assert.equal(boundAgent(bindings, at('telegram', 'work', '1'), 'guest'), 'desk');
  assert.equal(boundAgent(bindings, at('telegram', 'work', '1'), 'member'), 'chat');
  assert.equal(boundAgent(bindings, at('slack', 'main', '-5'), 'owner'), 'family');
  assert.equal(boundAgent(bindings, at('slack', 'main', '7'), 'owner'), null);
  assert.equal(boundAgent(bindings, { channel: 'api', account: 'p', conversation: null }, 'owner'), null);
});

test('an agent asks another: it sees the question alone, its calls are judged one deeper, its answer is a result', async (t) => {
  const judged: CallInQuestion[] = [];
  const page = defineTool({
    name: 'page',
    description: 'reads a page',
    effects: ['read'],
    role: 'guest',
    input: () => z.strictObject({}),
    run: () => Promise.resolve({ text: 'the page says 42', outside: 'web page' }),
  });
  const gateway = await messagePath(
    t,
    [
      calling('ask_agent', { agent: 'reader', question: 'What does the page say?' }),
      calling('page', {}),
      answering('It says 42.'),
      answering('The reader found 42.'),
    ],
    {
      gate: {
        judge: (question) => {
          judged.push(question);
          return { decision: 'allow' };
        },
        ask: () => Promise.reject(new Error('nobody is asked')),
      },
    },
  );
  const { store, clock, mintId, models, log, metrics, toolbox, loop } = gateway;
  const pages: ToolSource = { groups: () => [{ name: 'pages', about: 'pages', keywords: [], tools: [page] }] };
  const source = askAgent({
    loop,
    toolbox,
    compaction: new Compaction({ models, store, clock, log, metrics }),
    models,
    store,
    clock,
    mintId,
    agents: () => new Set(['reader']),
    agent: (name) => ({ ...agent, name, systemPrompt: 'You read pages.' }),
  });
  toolbox.configure([pages, source]);
  const ticket = await gateway.chat.chat(principal, { text: 'a long story before', session: 's' });
  assert.equal((await ticket.answer).reply.text, 'The reader found 42.');
  const [, asked] = gateway.provider.requests;
  assert.equal(asked?.system, 'You read pages.');
  assert.deepEqual(asked?.messages, [{ role: 'user', parts: [{ type: 'text', text: 'What does the page say?' }] }]);
  assert.deepEqual(
    judged.map(({ tool, call }) => [tool.name, call.depth, call.person, call.agent]),
    [
      ['ask_agent', 0, 'owner', null],
      ['page', 1, 'owner', 'reader'],
    ],
  );
  const last = JSON.stringify(gateway.provider.requests[3]?.messages);
  assert.match(last, /outside text [0-9a-f]{12} from web page/, 'what it read elsewhere taints who asked');
  const rows = await store.usage(0, null);
  assert.equal(rows[0]?.calls, 4, 'its calls are in the ledger');
});
