import assert from 'node:assert/strict';
import test from 'node:test';
import { effects, type Effect } from '../../src/core/ports/tool.ts';
import { roles } from '../../src/core/roles.ts';
import { decide, decisions, type PolicyQuestion, type ToolPolicy } from '../../src/core/tool-policy.ts';

const policy: ToolPolicy = {
  base: { read: 'allow', write: 'allow', send: 'ask', spend: 'allow', execute: 'ask', tainted: 'ask' },
  roles: { guest: { write: 'deny', send: 'deny', spend: 'deny', execute: 'deny' } },
  channels: { email: { execute: 'deny', tainted: 'deny' } },
  agents: { clerk: { read: 'ask', write: 'ask' } },
  tools: {
    message_send: 'allow',
    notes_save: 'always',
    notes_delete: 'deny',
    http_fetch: 'ask',
    'mcp_git__*': 'ask',
    'mcp_*__drop_*': 'deny',
    mcp_git__status: 'allow',
  },
};

const question = (more: Partial<PolicyQuestion> & { does?: Effect }): PolicyQuestion => {
  const { does = 'read', ...rest } = more;
  return { tool: 't', effects: [does], role: 'member', channel: 'telegram', agent: null, tainted: null, ...rest };
};

const page = 'web page';
const table: readonly [string, Parameters<typeof question>[0], string][] = [
  ['a member reads', {}, 'allow'],
  ['a member writes', { does: 'write' }, 'allow'],
  ['a member sends', { does: 'send' }, 'ask policy'],
  ['a member executes', { does: 'execute' }, 'ask policy'],
  ['the worst of several effects counts', { effects: ['read', 'write', 'send'] }, 'ask policy'],
  ['no effect at all', { effects: [] }, 'allow'],
  ['a guest reads', { role: 'guest' }, 'allow'],
  ['a guest writes', { role: 'guest', does: 'write' }, 'deny policy'],
  ['a named allow relaxes an ask', { tool: 'message_send', does: 'send' }, 'allow'],
  ['a named allow never relaxes a deny', { tool: 'message_send', does: 'send', role: 'guest' }, 'deny policy'],
  ['a named always never relaxes a deny', { tool: 'notes_save', does: 'write', role: 'guest' }, 'deny policy'],
  ['a named ask makes stricter', { tool: 'http_fetch' }, 'ask policy'],
  ['a named deny makes stricter', { tool: 'notes_delete', does: 'write' }, 'deny policy'],
  ['a pattern', { tool: 'mcp_git__commit' }, 'ask policy'],
  ['the strictest of two patterns', { tool: 'mcp_git__drop_all' }, 'deny policy'],
  ['an exact name beats a pattern', { tool: 'mcp_git__status' }, 'allow'],
  ['a name that only begins like one', { tool: 'notes_save_all', does: 'send' }, 'ask policy'],
  ['an agent of its own rules', { agent: 'clerk' }, 'ask policy'],
  ['an agent without rules', { agent: 'other' }, 'allow'],
  ['an agent named like a property of objects', { agent: 'constructor' }, 'allow'],
  ['a tool named like a property of objects', { tool: '__proto__', does: 'send' }, 'ask policy'],
  ['a channel makes stricter', { channel: 'email', does: 'execute' }, 'deny policy'],
  ['a channel named like a property of objects', { channel: 'toString', does: 'write' }, 'allow'],
  ['tainted: reading goes on', { tainted: page }, 'allow'],
  ['tainted: writing asks', { tainted: page, does: 'write' }, 'ask tainted'],
  ['tainted: a named allow does not help', { tainted: page, tool: 'message_send', does: 'send' }, 'ask tainted'],
  ['tainted: always does', { tainted: page, tool: 'notes_save', does: 'write' }, 'allow'],
  ['tainted: a deny stays one', { tainted: page, role: 'guest', does: 'send' }, 'deny policy'],
  ['tainted: what is asked anyway', { tainted: page, does: 'send' }, 'ask policy'],
  ['tainted where that is denied', { tainted: page, channel: 'email', does: 'write' }, 'deny tainted'],
];
for (const [name, asked, expected] of table) {
  test(name, () => {
    const { decision, because } = decide(policy, question(asked));
    assert.equal([decision, ...(because === null ? [] : [because])].join(' '), expected);
  });
}

test('a further layer, effect or taint never makes a decision looser', () => {
  const rank = (asked: PolicyQuestion, with_: ToolPolicy): number => decisions.indexOf(decide(with_, asked).decision);
  for (const rule of decisions) {
    for (const effect of effects) {
      for (const role of roles) {
        const asked = question({ role, does: effect, tool: 'message_send', agent: 'a', channel: 'c' });
        const before = rank(asked, policy);
        const stricter: ToolPolicy[] = [
          { ...policy, roles: { ...policy.roles, [role]: { ...policy.roles[role], [effect]: 'deny' } } },
          { ...policy, channels: { c: { [effect]: rule } } },
          { ...policy, agents: { a: { [effect]: rule } } },
        ];
        for (const other of stricter) assert.ok(rank(asked, other) >= before);
        assert.ok(rank({ ...asked, effects: [effect, 'execute'] }, policy) >= before);
        assert.ok(rank({ ...asked, tainted: page }, policy) >= before);
      }
    }
  }
});
