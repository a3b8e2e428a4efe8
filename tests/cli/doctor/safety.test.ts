import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openToAll, secretsInConfig } from '../../../src/cli/doctor/safety-checks.ts';
import type { AccountFacts, ConfigFacts, Facts } from '../../../src/cli/doctor/facts.ts';

const config: ConfigFacts = {
  state: 'ok',
  file: '/etc/open-clanker/config.toml',
  mode: 0o600,
  holdsSecrets: true,
  warnings: [],
  server: { host: '127.0.0.1', port: 1, tls: false, loopback: true },
  defaultProvider: null,
};
const account = { id: 'telegram:main', enabled: true, access: 'open', listed: 0 } as AccountFacts;
const facts = (changes: Partial<Facts>): Facts => ({ config, accounts: [], ...changes }) as Facts;
const codes = (found: ReturnType<typeof openToAll>): string[] => [found ?? []].flat().map(({ code }) => code);

test('secrets that stand in the configuration are unsafe, even where nobody else reads it', () => {
  assert.deepEqual(codes(secretsInConfig(facts({}))), ['secrets_in_config']);
  assert.deepEqual(codes(secretsInConfig(facts({ config: { ...config, holdsSecrets: false } }))), []);
  assert.deepEqual(codes(secretsInConfig(facts({ config: { state: 'missing', detail: '' } }))), []);
});

test('an account that anybody may talk to is unsafe', () => {
  assert.deepEqual(codes(openToAll(facts({ accounts: [account] }))), ['open_to_all']);
  const others = [
    { ...account, enabled: false },
    { ...account, access: 'pairing' as const },
  ];
  assert.deepEqual(codes(openToAll(facts({ accounts: others }))), []);
});
