import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { toolPolicyOf } from '../../src/config/tool-policy.ts';
import { named } from '../../src/core/name-patterns.ts';
import { decide } from '../../src/core/tool-policy.ts';
import { loadText } from '../config/support.ts';

const toml = readFileSync(path.join(import.meta.dirname, '../../examples/mcp-browser/browser.toml'), 'utf8');

test('the browser of the example may open and look without a question, and asks before it clicks or types', (t) => {
  const { config } = loadText(t, toml);
  const { browser } = config.mcp.servers;
  assert.deepEqual(browser?.effects, ['write', 'send']);
  const policy = toolPolicyOf(config.tools.policy, {});
  const asked = browser.allow.filter((tool) => {
    const question = { role: 'owner', channel: 'telegram', agent: null, tainted: 'mcp browser' } as const;
    const answer = decide(policy, { ...question, tool: `mcp_browser__${tool}`, effects: ['write', 'send'] });
    return answer.decision === 'ask';
  });
  assert.deepEqual(asked, ['browser_click', 'browser_type', 'browser_press_key', 'browser_select_option']);
  assert.ok(!named(browser.allow, 'browser_run_code'), 'it runs no code in pages');
});
