import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod/mini';
import { Toolbox } from '../../../src/app/agent/toolbox.ts';
import { OfferedTools } from '../../../src/app/gateway/offered-tools.ts';
import { systemClock, systemRandom } from '../../../src/adapters/system/index.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import { idMint } from '../../../src/core/ids.ts';
import type { Gate, Verdict } from '../../../src/core/ports/gate.ts';
import type { OfferedCall } from '../../../src/core/ports/gateway.ts';
import type { Effect, Tool, ToolCall, ToolOutput } from '../../../src/core/ports/tool.ts';
import type { PersonRole, Principal, Scope } from '../../../src/core/principal.ts';

interface Seen {
  call: ToolCall;
}

function rig(
  options: {
    verdict?: Verdict;
    role?: PersonRole;
    tools?: string[];
    answer?: (call: ToolCall) => Promise<ToolOutput>;
  } = {},
): {
  offered: OfferedTools;
  seen: Seen[];
} {
  const seen: Seen[] = [];
  const tool = (name: string, effects: Effect[], role?: PersonRole): Tool =>
    defineTool({
      name,
      description: name,
      input: () => z.strictObject({ title: z.optional(z.string()) }),
      effects,
      timeoutMs: 50,
      ...(role === undefined ? {} : { role }),
      run(_, call) {
        seen.push({ call });
        return options.answer?.(call) ?? Promise.resolve({ text: `${name} of ${call.person}` });
      },
    });
  const toolbox = new Toolbox();
  const group = (name: string, tools: Tool[]): { name: string; about: string; keywords: string[]; tools: Tool[] } => ({
    name,
    about: name,
    keywords: [],
    tools,
  });
  toolbox.configure([
    {
      groups: () => [
        group('notes', [
          tool('notes_get', ['read']),
          tool('notes_save', ['write']),
          tool('notes_owner', ['read'], 'owner'),
        ]),
        group('send', [tool('send_message', ['send'])]),
        group('mcp_github', [tool('mcp_github__delete', ['read'])]),
        group('exec', [tool('exec', ['execute'])]),
      ],
    },
  ]);
  const gate: Gate = {
    judge: () => options.verdict ?? { decision: 'allow' },
    ask: () => Promise.reject(new Error('nobody is asked')),
  };
  const offered = new OfferedTools({
    toolbox,
    gate,
    store: {
      person: (id) =>
        Promise.resolve({ id, name: id, role: options.role ?? 'member', language: 'de', createdAt: 0 } as never),
      session: (key, owner) => Promise.resolve(key === `telegram:main:${owner}` ? ({ key } as never) : null),
    },
    clock: systemClock,
    mintId: idMint(systemClock, systemRandom),
    channelTypes: new Set(['telegram']),
    agent: () => ({ tools: options.tools ?? ['*'] }),
    limits: () => ({ timeoutMs: 1000, maxResult: 100 }),
  });
  return { offered, seen };
}

const principal = (scope: Scope, person = 'ada'): Principal => ({
  kind: 'token',
  id: 'tok_1',
  person,
  scope,
  name: 't',
});
const calling = (name: string, more: Partial<OfferedCall> = {}): OfferedCall => ({
  name,
  args: {},
  signal: new AbortController().signal,
  ...more,
});

describe('tools for the agents of others', () => {
  test('each scope shows what it may do, and nothing of other groups', async () => {
    const { offered } = rig();
    const names = async (scope: Scope): Promise<string[]> =>
      (await offered.list(principal(scope))).map(({ name }) => name);
    assert.deepEqual(await names('read'), ['notes_get']);
    assert.deepEqual(await names('send'), ['notes_get', 'send_message']);
    assert.deepEqual(await names('manage'), ['notes_get', 'notes_save', 'send_message']);
    assert.deepEqual(await names('admin'), ['notes_get', 'notes_save', 'send_message']);
  });

  test('a tool that is not shown cannot be called either', async () => {
    const { offered, seen } = rig();
    await assert.rejects(offered.call(principal('send'), calling('notes_save')), { code: 'forbidden' });
    for (const name of ['mcp_github__delete', 'exec', 'notes_owner'])
      await assert.rejects(offered.call(principal('admin'), calling(name)), { kind: 'not_found' });
    assert.equal(seen.length, 0);
  });

  test('a tool that the agent may not use is not offered, one of the owner only to the owner', async () => {
    const { offered } = rig({ tools: ['*', '!notes_save'], role: 'owner' });
    const names = (await offered.list(principal('manage'))).map(({ name }) => name);
    assert.deepEqual(names, ['notes_get', 'notes_owner', 'send_message']);
  });

  test('the person is that of the token, whatever the arguments say', async () => {
    const { offered, seen } = rig();
    assert.equal((await offered.call(principal('read', 'ben'), calling('notes_get'))).text, 'notes_get of ben');
    await assert.rejects(offered.call(principal('read', 'ben'), calling('notes_get', { args: { owner_id: 'ada' } })), {
      code: 'bad_arguments',
    });
    assert.deepEqual(
      seen.map(({ call }) => [call.person, call.sessionKey, call.language, call.channel]),
      [['ben', 'api:ben:main', 'de', 'api']],
    );
  });

  test('a session is one of the person', async () => {
    const { offered, seen } = rig();
    await offered.call(principal('read'), calling('notes_get', { session: 'work' }));
    assert.equal(seen[0]?.call.sessionKey, 'api:ada:work');
    await offered.call(principal('read'), calling('notes_get', { session: 'telegram:main:ada' }));
    assert.equal(seen[1]?.call.sessionKey, 'telegram:main:ada');
    for (const session of ['api:ben:main', 'telegram:main:ben'])
      await assert.rejects(offered.call(principal('read'), calling('notes_get', { session })), { kind: 'not_found' });
    assert.equal(seen.length, 2);
  });

  for (const decision of ['ask', 'deny'] as const) {
    test(`what the policy does not allow is not done (${decision})`, async () => {
      const { offered, seen } = rig({ verdict: { decision, reason: 'because' } });
      const { isError, text } = await offered.call(principal('manage'), calling('notes_save'));
      assert.equal(isError, true);
      assert.match(text, /because/);
      assert.equal(seen.length, 0);
    });
  }

  test('a tool that hangs is told to stop and does not hold the caller', async () => {
    const { offered, seen } = rig({ answer: () => new Promise(() => undefined) });
    await assert.rejects(offered.call(principal('read'), calling('notes_get')), { code: 'timeout' });
    assert.equal(seen[0]?.call.signal.aborted, true);
  });

  test('a long answer is cut', async () => {
    const { offered } = rig({ answer: () => Promise.resolve({ text: 'x'.repeat(5000), outside: 'group chat' }) });
    const { text, outside } = await offered.call(principal('read'), calling('notes_get'));
    assert.ok(text.length < 150);
    assert.equal(outside, 'group chat');
  });
});
