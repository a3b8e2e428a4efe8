import assert from 'node:assert/strict';
import { it } from 'node:test';
import { locate } from '../../src/config/locate.ts';
import { nearest } from '../../src/config/nearest.ts';

const text = `# [server] port = 1 in a comment
title = "a # b" # "c
multi = """
[server]
port = 1 \\""" "" """"
lit = '''
port = 2
'''
list = [ # ]
  "]", '[x]',
  [1, 2],
]
[ server . "auth" ]
  token = 'x' # y
[server]
 tls.cert_path = "a"
limits = { requests_per_second = 1, connections = 2 }
"quoted.key" = 1
[[bindings]]
agent = 1
[[bindings]]
agent = 2
`;

const rows: [path: (string | number)[], line: number | null, column?: number][] = [
  [['title'], 2, 1],
  [['multi'], 3, 1],
  [['lit'], 6, 1],
  [['list'], 9, 1],
  [['list', 2], 9, 1],
  [['server', 'auth'], 13, 1],
  [['server', 'auth', 'token'], 14, 3],
  [['server', 'auth', 'missing'], 13, 1],
  [['server', 'tls', 'cert_path'], 16, 2],
  [['server', 'tls', 'key_path'], 15, 1],
  [['server', 'limits', 'connections'], 17, 1],
  [['server', 'quoted.key'], 18, 1],
  [['bindings'], 19, 1],
  [['bindings', 0, 'agent'], 20, 1],
  [['bindings', 1, 'agent'], 22, 1],
  [['bindings', 1, 'channel'], 21, 1],
  [['nowhere'], null],
  [[], null],
];
for (const [path, line, column] of rows) {
  it(`the place of ${JSON.stringify(path)}`, () => {
    const found = locate(text, path);
    assert.equal(found?.line ?? null, line);
    if (column !== undefined) assert.equal(found?.column, column);
  });
}

it('a place is found, or not, in any text: no input makes it run forever', () => {
  for (const broken of ['"', "'''", '[', '[[', '=', 'a', 'a =', 'a = [', 'a = "', '.', '\r', '\0', 'a."']) {
    assert.doesNotThrow(() => locate(broken, ['a']), broken);
  }
});

it('a slip of the finger finds its word, another word finds none', () => {
  const words = ['bot_token', 'port', 'host', 'base_url', 'allowed_user_ids'];
  assert.equal(nearest('bot-tokn', words), 'bot_token');
  assert.equal(nearest('prot', words), 'port');
  assert.equal(nearest('allowed_users_ids', words), 'allowed_user_ids');
  assert.equal(nearest('temperature', words), null);
  assert.equal(nearest('x'.repeat(10_000), words), null);
});
