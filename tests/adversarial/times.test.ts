/** Times that nobody means well, through the API, the terminal and the tool: each is refused in words, and nothing is stored. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { FakeHost } from '../cli/fake-host.ts';
import { answering } from '../support/asking.ts';
import { openDoor } from '../support/door.ts';
import { ask } from '../support/raw.ts';
import { scheduling } from '../support/scheduling.ts';
import { ScriptedGateway } from '../support/scripted-gateway.ts';
import { tokens } from '../support/scripted-tokens.ts';

const methods = ['previewJob', 'addJob', 'jobs', 'job', 'editJob', 'removeJob', 'addTask', 'tasks', 'task'] as const;

async function open(t: TestContext) {
  const rig = await scheduling(t, [answering('hello')]);
  await rig.say('hello');
  const gateway = new ScriptedGateway();
  for (const method of methods)
    Object.assign(gateway, { [method]: (...given: unknown[]) => Reflect.apply(rig.schedule[method], null, given) });
  const door = await openDoor({ gateway });
  const host = new FakeHost();
  host.env['OPEN_CLANKER_TOKEN'] = tokens.manage;
  t.after(async () => {
    host[Symbol.dispose]();
    await door.stop();
  });
  const post = (route: string, body: object) =>
    ask(
      { host: '127.0.0.1', port: door.port },
      { method: 'POST', path: `/api/v1/${route}`, token: tokens.manage, body: JSON.stringify(body) },
    );
  const run = (...line: string[]) => host.run([...line, '--url', door.url]);
  const stored = async (): Promise<number> =>
    (await rig.store.listJobs({ owner: null }, { limit: 10 })).items.length +
    (await rig.store.listTasks({ owner: null }, { limit: 10 })).items.length;
  return { ...rig, post, run, stored };
}

/** Never and nowhere (F-14). */
const crons = [
  '',
  '@reboot',
  '@daily',
  '*/0 * * * *',
  '* * * * * * * *',
  '0 0 31 2 *',
  '0 0 30 2 *',
  '60 * * * *',
  '* * *',
];
const bomb = `${'*/1,'.repeat(2000)}* * * * *`;

test('an expression that is not one, or never due, is refused by API, terminal and tool alike', async (t) => {
  const rig = await open(t);
  const payload = { kind: 'text', text: 'x' };
  for (const cron of [...crons, bomb, '0-59/1,0-59/1 * * * MON#9', '١٥ * * * *', '* * * * *\u0000', '‮* * * * *']) {
    const { status, text } = await rig.post('jobs', { cron, payload });
    assert.equal(status, 400, `${cron}: ${text}`);
    assert.ok(text.length < 1000, 'what was sent is not sent back');
    assert.equal((await rig.post('jobs/preview', { cron, payload })).status, 400, cron);
    if (!cron.includes('\u0000')) {
      const { code, err } = await rig.run('jobs', 'add', `--cron=${cron}`, '--text', 'x');
      assert.notEqual(code, 0, cron);
      assert.match(err, /open-clanker: \S/);
    }
    await refused(rig, { when: cron });
  }
  for (const time_zone of ['Mars/X', '', 'Europe/Berlin\u0000', '../../etc/passwd', 'x'.repeat(10_000), '+99:99']) {
    assert.equal((await rig.post('jobs', { cron: '0 9 * * *', time_zone, payload })).status, 400, time_zone);
    await refused(rig, { when: 'every day at 9', zone: time_zone });
  }
  assert.notEqual((await rig.run('jobs', 'add', '--cron', '0 9 * * *', '--in', 'Mars/X', '--text', 'x')).code, 0);
  assert.equal(await rig.stored(), 0);
});

const refused = async (rig: Awaited<ReturnType<typeof open>>, args: object): Promise<void> => {
  const said = await rig.use('schedule_add', { do: 'say', what: 'x', ...args }).then(
    ({ text, isError }) => (isError === true ? text : assert.fail(`it was taken: ${text}`)),
    (error: Error) => {
      assert.equal(error.name, 'ClankerError', String(error.stack));
      return error.message;
    },
  );
  assert.ok(said.length < 1000, said.slice(0, 100));
};

/** Neither times nor lengths of time. */
const moments = [
  '2026-02-30',
  '2026-02-30T10:00',
  '2026-13-01T10:00',
  '2026-12-24T25:00',
  '2026-12-24T10:61',
  '999999-01-01T00:00',
  '+275760-09-13T00:00Z',
  '9999-12-31T23:59',
  '-000001-01-01T00:00Z',
  '0000-00-00T00:00',
  '2026-12-24T10:00+99:99',
  '２０２６-１２-２４T10:00',
  '2026-12-24T10:00\u0000',
  '\u202E42-21-6202',
  '1e309',
  'NaN',
  '-1',
  '1893456000000',
  '2020-01-01T00:00',
  'T',
  ' ',
  '9'.repeat(10_000),
  `2026-12-24T10:00${'Z'.repeat(10_000)}`,
];
const lengths = [
  '1e309',
  '-5m',
  '0s',
  '0.0001s',
  '999999w',
  '9'.repeat(400) + 'd',
  '５m',
  '5m\u0000',
  'Infinity',
  '1m1m',
  '10y',
];

test('a time that is none, has passed, or lies past all sense is refused in a few words', async (t) => {
  const rig = await open(t);
  const payload = { kind: 'text', text: 'x' };
  for (const at of moments) {
    const { status, text } = await rig.post('jobs', { at, payload });
    assert.equal(status, 400, `${at.slice(0, 40)}: ${text}`);
    assert.ok(text.length < 1000);
    assert.equal((await rig.post('tasks', { at, payload })).status, 400, at.slice(0, 40));
    assert.equal((await rig.post('jobs', { every: '1h', from: at, until: at, payload })).status, 400, at.slice(0, 40));
    await refused(rig, { when: at });
    // What ends in eight thousand years may as well go on for ever.
    if (!at.startsWith('9999-')) await refused(rig, { when: 'every day at 9', until: at });
  }
  for (const length of lengths) {
    for (const field of ['after', 'every']) {
      const { status, text } = await rig.post('jobs', { [field]: length, payload });
      assert.equal(status, 400, `${field} ${length.slice(0, 40)}: ${text}`);
    }
    // In words `1m1m` are two minutes.
    if (length !== '1m1m') await refused(rig, { when: length });
  }
  assert.equal(await rig.stored(), 0);
});

test('words by the ten thousand, of all directions, and days off that are none come to nothing', async (t) => {
  const rig = await open(t);
  for (const when of [
    'every '.repeat(2000),
    'at '.repeat(1000) + '9',
    '1'.repeat(10_000),
    'tomorrow at 9 '.repeat(500),
    'in '.repeat(100) + '5 minutes',
    'every weekday at 9 unless '.repeat(300),
    '\u202Eetunim yreve',
    'every day at ٩',
    'toString',
    '__proto__',
    'every constructor',
    '/jobs all',
    '`'.repeat(5000),
    '\ud800 every day',
  ])
    await refused(rig, { when });
  for (const except of [
    ['holidays:XX'],
    ['holidays:__proto__'],
    ['holidays:'],
    ['holidays:DE-XX'],
    ['2026-02-30'],
    ['2027-01-02/2026-12-24'],
    ['x'.repeat(10_000)],
    Array.from({ length: 51 }, () => '2026-12-24'),
    ['holidays:DE', 'holidays:AT', 'holidays:CH', 'holidays:FR', 'holidays:US'],
    ['0001-01-01/9999-12-31'],
  ])
    await refused(rig, { when: 'every day at 9', except });
  for (const times of [0, -1, 1.5, 1e308]) await refused(rig, { when: 'every day at 9', times });
  assert.equal(await rig.stored(), 0);
});

test('names that are markup, escapes or far too long are shown as what they are', async (t) => {
  const rig = await open(t);
  const name = `<script>alert(1)</script>\u001b[2J\u202E${'A'.repeat(20)}`;
  const { status, json: made } = await rig.post('jobs', { every: '1h', name, payload: { kind: 'text', text: name } });
  assert.equal(status, 201);
  assert.ok(String(made?.['name']).length <= 80);
  const { out } = await rig.run('jobs', 'list');
  assert.match(out, /<script>alert\(1\)<\/script>A{20}\n$/);
  const { out: json } = await rig.run('jobs', 'list', '--json');
  assert.doesNotMatch(out + json, /[^\P{Cc}\n]|\p{Bidi_Control}/u);
});
