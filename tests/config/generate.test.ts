import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { parseEnv } from 'node:util';
import { configReference, generateConfig } from '../../src/config/index.ts';
import { configSchema } from '../../src/config/schema.ts';
import { keys } from '../../src/config/schema-walk.ts';
import { goodToken, load, loadText, folder } from './support.ts';

const root = path.resolve(import.meta.dirname, '../..');
const file = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const regenerate = `run: node -e "import('./src/config/generate.ts').then((g) => { fs.writeFileSync('config-examples/config.toml', g.generateConfig()); fs.writeFileSync('docs/CONFIG.md', g.configReference()) })"`;

it('the example in the repository is what `config generate` writes', () => {
  assert.ok(file('config-examples/config.toml') === generateConfig(), regenerate);
});

it('the reference in docs is what the schema says', () => {
  assert.ok(file('docs/CONFIG.md') === configReference(), regenerate);
});

it('the generated file changes nothing', (t) => {
  const generated = loadText(t, generateConfig());
  const none = load(folder(t));
  assert.deepEqual({ ...generated.config, database: null }, { ...none.config, database: null });
});

it('with every line in force the generated file is valid: no default and no example is wrong', (t) => {
  const text = generateConfig()
    .split('\n')
    .filter((line) => !/^#(?:\w+_(?:file|env)|prompt|command) = /.test(line))
    .map((line) => line.replace(/^#(?=[a-z[])/, ''))
    .join('\n');
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
  const env = {
    ...Object.fromEntries(names.map((name) => [name, `the-value-of-${name}`])),
    GATEWAY_TOKEN: goodToken,
    TELEGRAM_BOT_TOKEN: '1:abcdef',
    SECOND_TELEGRAM_BOT_TOKEN: '2:abcdef',
    OPS_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 3).toString('base64')}`,
    WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
    WEBHOOK_PREVIOUS_SECRET: `whsec_${Buffer.alloc(32, 2).toString('base64')}`,
  };
  const { config } = loadText(t, text, { env });
  assert.equal(config.server.tls?.cert_path, '/etc/open-clanker/cert.pem');
  assert.equal(config.agents['brief']?.max_tokens, 1024);
  assert.deepEqual(Object.keys(config.channels.slack.accounts), ['main', 'second']);
});

it('every key has words, and stands in the generated file and in the reference', () => {
  const [generated, reference] = [generateConfig(), configReference()];
  for (const { path: key, notes } of keys(configSchema())) {
    assert.ok(notes.about.endsWith('.'), key.join('.'));
    if (notes.kind === 'table') continue;
    if (notes.kind === 'rows') {
      assert.ok(generated.includes(`\n#[[${key.join('.')}]]`) && reference.includes(`\n[[${key.join('.')}]]\n`));
      continue;
    }
    assert.ok(generated.includes(`\n#${key.at(-1)} = `), key.join('.'));
    assert.ok(reference.includes(`\n| \`${key.at(-1)}\` | `), key.join('.'));
  }
});

it('.env.example names only variables that are understood', (t) => {
  const text = file('.env.example').replaceAll(/^#(?=[A-Z_]+=)/gm, '');
  assert.ok(Object.keys(parseEnv(text)).length > 5);
  const given = text.replace('OPEN_CLANKER_DATA=', 'OPEN_CLANKER_DATA=data');
  const { warnings, sources } = load(folder(t, { '.env': given }));
  assert.deepEqual(warnings, []);
  assert.equal(sources.get('server.port'), '.env OPEN_CLANKER_SERVER__PORT');
});
