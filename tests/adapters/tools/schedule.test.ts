/** The tools for reminders and jobs, called by a scripted model on the real message path, service and store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleTools } from '../../../src/adapters/tools/schedule/index.ts';
import { neededGroups } from '../../../src/app/agent/selection.ts';
import type { ScheduleGateway } from '../../../src/core/ports/schedule-gateway.ts';
import type { ModelRequest } from '../../../src/core/ports/provider.ts';
import { answering, calling, calls, from, inGroup } from '../../support/asking.ts';
import { scheduling } from '../../support/scheduling.ts';

const done = answering('All right.');
const tools = scheduleTools({ schedule: {} as ScheduleGateway });

/** What the model read of the call before. */
const resultIn = (request: ModelRequest | undefined): string =>
  (request?.messages ?? [])
    .flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool_result' ? [part.text] : [])))
    .at(-1) ?? '';

const understoodSo = /every weekday at 09:00 \(Europe\/Berlin\), except holidays \(Germany\)/;
const sayings: readonly [language: string, said: string, when: string][] = [
  ['en', 'remind me every weekday at 9 unless it is a holiday', 'every weekday at 9 unless it is a holiday'],
  ['de', 'erinnere mich jeden Werktag um 9 außer an Feiertagen', 'jeden Werktag um 9 außer an Feiertagen'],
  [
    'es',
    'recuérdame todos los días laborables a las 9 excepto festivos',
    'todos los días laborables a las 9 excepto festivos',
  ],
  [
    'fr',
    'rappelle-moi tous les jours ouvrables à 9h sauf les jours fériés',
    'tous les jours ouvrables à 9h sauf les jours fériés',
  ],
];
for (const [language, saying, when] of sayings) {
  test(`in plain words a reminder is made and repeated as it was understood: ${language}`, async (t) => {
    const add = calls('schedule_add', { do: 'say', what: 'Stand-up', when });
    const rig = await scheduling(t, [calling(add), done]);
    await rig.say(saying, { language });
    const [first, second] = rig.provider.requests;
    assert.ok(
      first?.tools?.some(({ name }) => name === 'schedule_add'),
      'the group came with these words',
    );
    const [{ job } = assert.fail('no job was made')] = await rig.jobsOf();
    assert.deepEqual(job.schedule, { type: 'cron', expression: '0 9 * * 1-5' });
    assert.deepEqual([job.except, job.zone], [['holidays:DE'], 'Europe/Berlin']);
    assert.deepEqual(job.payload, { kind: 'text', text: 'Stand-up' });
    assert.equal(job.deliver.to === 'conversation' && job.deliver.conversation.native, '7');
    assert.match(resultIn(second), understoodSo);
    assert.match(resultIn(second), /next Thu 2026-11-26 09:00, Fri 2026-11-27 09:00, Mon 2026-11-30 09:00/);
  });
}

test('the next times are on the clock of the person, and holidays are those of where they live', async (t) => {
  const rig = await scheduling(t, [done]);
  await rig.say('hello');
  await rig.store.setPreferences(await rig.personOf('7'), { timeZone: 'America/New_York' }, 10);
  const { text } = await rig.use('schedule_add', {
    do: 'ask',
    what: 'What is on?',
    when: 'every weekday at 7 unless it is a holiday',
  });
  // The day after is Thanksgiving.
  assert.match(text, /America\/New_York[^]*next Wed 2026-11-25 07:00, Fri 2026-11-27 07:00, Mon 2026-11-30 07:00/);
});

test('each way to say when, and each kind of work, is what is stored', async (t) => {
  const rig = await scheduling(t, [done]);
  await rig.say('hello');
  const cases: [args: object, schedule: object, payload: object][] = [
    [{ do: 'say', what: 'tea', when: '20m' }, { type: 'at' }, { kind: 'text', text: 'tea' }],
    [{ do: 'say', what: 'tea', when: 'in 20 minutes' }, { type: 'at' }, { kind: 'text', text: 'tea' }],
    [
      { do: 'say', what: 'eve', when: '2026-12-24T18:00' },
      { type: 'at', at: Date.UTC(2026, 11, 24, 17) },
      { kind: 'text', text: 'eve' },
    ],
    [
      { do: 'ask', what: 'News?', when: '30 7 * * 1-5' },
      { type: 'cron', expression: '30 7 * * 1-5' },
      { kind: 'ask', prompt: 'News?' },
    ],
  ];
  for (const [args, schedule, payload] of cases) {
    const { text } = await rig.use('schedule_add', args);
    const [, id = ''] = /(job_\w+)/.exec(text) ?? [];
    const { job } = await rig.schedule.job(await rig.principalOf(), id);
    assert.deepEqual({ ...job.schedule, ...schedule }, job.schedule, text);
    assert.deepEqual(job.payload, payload);
  }
  const { text } = await rig.use('schedule_add', {
    do: 'say',
    what: 'x',
    when: 'every day at 9 unless it is a holiday',
    zone: 'Asia/Tokyo',
    except: ['2026-12-01'],
    until: '2026-12-03',
    times: 5,
  });
  const [{ job } = assert.fail()] = (await rig.jobsOf()).filter((each) => each.job.name === 'x');
  assert.deepEqual([job.zone, job.except, job.maxRuns], ['Asia/Tokyo', ['holidays:JP', '2026-12-01'], 5], text);
});

test('what is wrong comes back in words that say what is taken, and nothing is made', async (t) => {
  const rig = await scheduling(t, [
    calling(
      calls('schedule_add', { do: 'say', what: 'x', when: 'some day' }, 'c1'),
      calls('schedule_add', { do: 'say', what: 'x', when: '2020-01-01T10:00' }, 'c2'),
      calls('schedule_add', { do: 'say', what: 'x', when: '0 0 31 2 *' }, 'c3'),
      calls('schedule_add', { do: 'say', what: 'x', when: 'every day at 9', except: ['holidays'] }, 'c4'),
      calls('schedule_add', { do: 'watch', what: 'the news', when: 'every day at 9' }, 'c5'),
      calls('schedule_add', { do: 'say', what: 'x'.repeat(8001), when: 'every day at 9' }, 'c6'),
    ),
    calling(
      calls('schedule_add', { do: 'say', what: 'x', when: '* * * * * *' }, 'd1'),
      calls('schedule_add', { do: 'say', what: '  ', when: 'every day at 9' }, 'd2'),
      calls('schedule_add', { do: 'say', what: 'x', when: 'every day at 9', zone: 'Mars/X' }, 'd3'),
      calls('schedule_change', { id: 'job_nothing', action: 'pause' }, 'd5'),
    ),
    done,
  ]);
  await rig.say('remind me');
  const results = (rig.provider.requests.at(-1)?.messages ?? []).flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === 'tool_result' ? [[part.callId, part.text]] : [])),
  );
  const said = Object.fromEntries(results) as Record<string, string>;
  const expected: Record<string, RegExp> = {
    c1: /in 20 minutes/,
    c2: /has passed already/,
    c3: /never|no such/i,
    c4: /holidays:DE/,
    c5: /https:\/\/example\.org/,
    c6: /8000 characters/,
    d1: /at least 60 s/,
    d2: /1 to 8000/,
    d3: /Europe\/Berlin/,
    d5: /no such job/i,
  };
  for (const [id, words] of Object.entries(expected)) assert.match(said[id] ?? '', words, id);
  const elsewhere = { do: 'say', what: 'x', when: 'every day at 9', to: 'scripted:main:8' };
  await assert.rejects(rig.use('schedule_add', elsewhere), {
    code: 'unknown_place',
    message: /no such place[^]*scripted:main:7/,
  });
  assert.deepEqual(await rig.jobsOf(), []);
});

test('the same call of the same run makes one job, however often a crash has it made again', async (t) => {
  const rig = await scheduling(t, [done]);
  await rig.say('hello');
  const call = { id: 'call_1', runId: 'run_1' };
  const args = { do: 'say', what: 'tea', when: 'every day at 17:00' };
  const [first, again] = [await rig.use('schedule_add', args, call), await rig.use('schedule_add', args, call)];
  assert.equal(first.text, again.text);
  assert.equal((await rig.jobsOf()).length, 1);
  await rig.use('schedule_add', args, { ...call, id: 'call_2' });
  assert.equal((await rig.jobsOf()).length, 2, 'another call means another one');
});

test('a job is listed, edited, paused, resumed, run and removed by its id, and a task cancelled', async (t) => {
  const rig = await scheduling(t, [done]);
  await rig.say('hello');
  assert.equal((await rig.use('schedule_list', {})).text, 'There are none.');
  const [, id = ''] =
    /(job_\w+)/.exec((await rig.use('schedule_add', { do: 'say', what: 'tea', when: 'every day at 17:00' })).text) ??
    [];
  const change = async (args: object): Promise<string> => (await rig.use('schedule_change', { id, ...args })).text;
  assert.match(await change({ action: 'edit', what: 'coffee' }), /every day at 17:00/);
  assert.match(await change({ action: 'edit', when: 'every day at 15:00' }), /every day at 15:00/);
  assert.deepEqual((await rig.jobsOf())[0]?.job.payload, { kind: 'text', text: 'coffee' });
  assert.match(await change({ action: 'edit' }), /Name what is to change/);
  assert.match(await change({ action: 'pause' }), /paused \(by hand\)[^]*not due/);
  assert.match(await change({ action: 'resume' }), /next Wed 2026-11-25 15:00/);
  assert.match((await rig.use('schedule_list', {})).text, new RegExp(`^${id}: text "tea"; every day at 15:00`));
  const begun = await change({ action: 'run' });
  assert.match(begun, /^task_\w+: task "tea", (queued|running|completed)/);
  const later = { payload: { kind: 'text', text: 'later' }, after: '1h' } as const;
  const { id: task } = await rig.schedule.addTask(await rig.principalOf(), later);
  assert.match((await rig.use('schedule_change', { id: task, action: 'cancel' })).text, /cancelled/);
  assert.equal(await change({ action: 'remove' }), 'Removed.');
  assert.deepEqual(await rig.jobsOf(), []);
});

test('in a group only what comes there is shown and changed, by the model as by command', async (t) => {
  const rig = await scheduling(t, [done]);
  await rig.say('hello');
  const group = inGroup('7');
  const there = {
    conversation: group.conversation ?? null,
    chatType: 'group',
    sessionKey: 'scripted:main:-1',
  } as const;
  await rig.use('schedule_add', { do: 'say', what: 'my secret date', when: 'every day at 17:00' });
  await rig.use('schedule_add', { do: 'say', what: 'stand-up', when: 'every day at 9:00' }, there);
  const { text } = await rig.use('schedule_list', {}, there);
  assert.match(text, /stand-up/);
  assert.doesNotMatch(text, /secret/);
  const all = await rig.jobsOf();
  const idOf = (name: string): string => all.find(({ job }) => job.name === name)?.job.id ?? '';
  for (const action of ['pause', 'resume', 'edit', 'run', 'remove'])
    await assert.rejects(rig.use('schedule_change', { id: idOf('my secret date'), action, what: 'x' }, there), {
      code: 'not_found',
    });
  const task = await rig.schedule.runJob(await rig.principalOf(), idOf('my secret date'));
  await assert.rejects(rig.use('schedule_change', { id: task.id, action: 'cancel' }, there), { code: 'not_found' });
  assert.equal((await rig.use('schedule_change', { id: idOf('stand-up'), action: 'remove' }, there)).text, 'Removed.');
  assert.match((await rig.use('schedule_list', {})).text, /secret/, 'in a direct chat all is shown');
});

test('another person’s jobs and tasks are as if they were not there', async (t) => {
  const rig = await scheduling(t, [done]);
  await rig.say('hello');
  await rig.say('hello', from('8'));
  await rig.use('schedule_add', { do: 'say', what: 'tea', when: 'every day at 17:00' });
  const [{ job } = assert.fail()] = await rig.jobsOf();
  const bob = { person: await rig.personOf('8') };
  assert.equal((await rig.use('schedule_list', {}, bob)).text, 'There are none.');
  const task = await rig.schedule.runJob(await rig.principalOf(), job.id);
  for (const [id, action] of [
    [job.id, 'pause'],
    [job.id, 'run'],
    [job.id, 'remove'],
    [task.id, 'cancel'],
  ])
    await assert.rejects(rig.use('schedule_change', { id, action }, bob), { code: 'not_found' });
});

const brings = (text: string): boolean =>
  neededGroups(
    [tools],
    [
      {
        id: 'm',
        sessionKey: 's',
        seq: 1,
        runId: null,
        role: 'user',
        parts: [{ type: 'text', text }],
        author: null,
        time: 0,
      },
    ],
  ).has('schedule');

test('what asks for a reminder in any of the languages brings the tools along', () => {
  for (const text of [
    'remind me to call Ann tomorrow',
    'Can you set an alarm for 7?',
    'schedule a summary of the news for every morning',
    'tell me the weather each day at 8',
    'which jobs do I have?',
    'what are my reminders?',
    'ping me in 20 minutes',
    'check this page daily',
    'wake me at 6',
    'every weekday at 9 say stand-up',
    'let me know every 2 hours',
    'erinnere mich morgen an den Zahnarzt',
    'Stell einen Wecker auf 7 Uhr',
    'sag mir jeden Morgen, wie das Wetter wird',
    'täglich um acht die Nachrichten',
    'weck mich um sechs',
    'welche Erinnerungen habe ich?',
    'recuérdame comprar pan',
    'avísame mañana a las 8',
    'ponme una alarma a las 7',
    'cada lunes a las 9 dime qué hay',
    'todos los días a las 9',
    'rappelle-moi d’appeler Anne demain',
    'réveille-moi à 6h',
    'chaque matin, dis-moi la météo',
    'tous les jours à 9h',
    'préviens-moi dans une heure',
  ])
    assert.ok(brings(text), text);
});

test('what people say all day does not bring them', () => {
  for (const text of [
    'hello',
    'thanks, that was it',
    'What is the capital of Peru?',
    'I love my new bicycle',
    'write a poem about the sea',
    'everything is fine',
    'everybody liked it',
    'good job!',
    'Steve Jobs founded Apple',
    'nice job, well done',
    'he lost his job',
    'the price of watches',
    'translate this to German: good evening',
    'Guten Morgen, wie geht es dir?',
    'Jeder kann das',
    'Was ist heute los?',
    'schreib einen Brief an die Bank',
    'das ist mir jedenfalls egal',
    'Buenos días, ¿cómo estás?',
    'todo está bien, gracias',
    'cada uno a lo suyo',
    'Bonjour, ça va ?',
    'merci beaucoup, à demain',
    'tout le monde est là',
    'the alarming rise of prices',
    'a chacun son goût',
  ])
    assert.ok(!brings(text), text);
});

test('the tools stay short: each request that carries them pays for every character', () => {
  const bytes = JSON.stringify(
    tools.tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
  ).length;
  assert.ok(bytes / 4 <= 500, `${bytes / 4} tokens`);
  assert.ok(tools.about.length <= 60);
});
