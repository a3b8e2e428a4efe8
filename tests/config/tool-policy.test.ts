import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { toolPolicyOf } from '../../src/config/tool-policy.ts';
import { decide, type PolicyQuestion } from '../../src/core/tool-policy.ts';
import { defaultPolicy } from '../support/asking.ts';
import { loadText } from './support.ts';

function policyOf(t: TestContext, text: string) {
  const { tools, agents } = loadText(t, text).config;
  return toolPolicyOf(
    tools.policy,
    Object.fromEntries(Object.entries(agents).map(([name, agent]) => [name, agent.policy])),
  );
}

const asked: PolicyQuestion = {
  tool: 'http_fetch',
  effects: ['write'],
  role: 'member',
  channel: 'telegram',
  agent: null,
  tainted: null,
};

test('nothing configured is the policy that the adversarial set is held against', (t) => {
  assert.deepEqual(policyOf(t, ''), defaultPolicy);
});

test('every layer of the file reaches the decision', (t) => {
  const policy = policyOf(
    t,
    `[tools.policy]
write = "allow"
tools = { notes_save = "always", "mcp_*" = "deny" }
[tools.policy.roles.owner]
write = "ask"
[tools.policy.roles.guest]
write = "allow"
[tools.policy.channels.email]
write = "deny"
[agents.clerk]
system_prompt = "x"
[agents.clerk.policy]
write = "ask"
[agents.other]
system_prompt = "y"
`,
  );
  const decision = (more: Partial<PolicyQuestion>): string => decide(policy, { ...asked, ...more }).decision;
  assert.equal(decision({}), 'allow');
  assert.equal(decision({ role: 'owner' }), 'ask');
  assert.equal(decision({ role: 'guest' }), 'allow');
  assert.equal(decision({ channel: 'email' }), 'deny');
  assert.equal(decision({ agent: 'clerk' }), 'ask');
  assert.equal(decision({ agent: 'other' }), 'allow');
  assert.equal(decision({ tool: 'mcp_x__y', effects: ['read'] }), 'deny');
  assert.equal(decision({ tainted: 'web page' }), 'ask');
  assert.equal(decision({ tainted: 'web page', tool: 'notes_save' }), 'allow');
});

const wrong: readonly [string, string][] = [
  ['[tools.policy]\nwrite = "maybe"', 'tools.policy.write'],
  ['[tools.policy]\nsent = "ask"', 'tools.policy.sent'],
  ['[tools.policy]\ntools = { "Notes Save" = "ask" }', 'tools.policy.tools.Notes Save'],
  ['[tools.policy]\napproval_timeout = "1s"', 'tools.policy.approval_timeout'],
  ['[tools.policy.roles.admin]\nwrite = "ask"', 'tools.policy.roles.admin'],
  ['[tools.policy.channels.telegrm]\nwrite = "ask"', 'tools.policy.channels.telegrm'],
  ['[tools.policy.channels.email]\nwrite = "always"', 'tools.policy.channels.email.write'],
];
for (const [text, key] of wrong) {
  test(`a policy that is not understood is refused by key: ${key}`, (t) => {
    assert.throws(() => loadText(t, text), new RegExp(key.replaceAll('.', '\\.')));
  });
}
