import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Language } from '../../../src/core/languages.ts';
import { cronShape } from '../../../src/core/notices/cron-shape.ts';
import { doesText, jobLine, jobText, taskLine, whenText } from '../../../src/core/notices/schedule-text.ts';
import { schedule } from '../../../src/core/notices/schedule.ts';
import type { Payload } from '../../../src/core/payload.ts';
import type { JobView } from '../../../src/core/ports/schedule-gateway.ts';
import type { JobRow, TaskRow } from '../../../src/core/ports/schedule-store.ts';
import type { Timing } from '../../../src/core/schedule.ts';
import { readWhen } from '../../../src/core/when/read-when.ts';
import { phrases } from '../when/phrases.ts';

const languages: readonly Language[] = ['en', 'de', 'es', 'fr'];
const hour = 3_600_000;
/** 18:00 in Berlin. */
const at = Date.UTC(2026, 11, 24, 17);
const zone = 'Europe/Berlin';
const cron = (expression: string): Timing => timing({ type: 'cron', expression });
const timing = (of: Timing['schedule'], over: Partial<Timing> = {}): Timing => ({
  schedule: of,
  zone,
  except: [],
  endAt: null,
  maxRuns: null,
  ...over,
});

test('each common shape has words in each language', () => {
  const table: [Timing, Record<Language, RegExp>][] = [
    [
      timing({ type: 'at', at }),
      { en: /^on Thu,? 24 Dec 2026, 18:00 \(/, de: /^am Do/, es: /^el jue.* 18:00/, fr: /^le jeu.* 18:00/ },
    ],
    [
      timing({ type: 'every', everyMs: hour / 4, from: at }),
      {
        en: /^every 15 minutes, first on/,
        de: /^alle 15 Minuten/,
        es: /^cada 15 minutos/,
        fr: /^toutes les 15 minutes/,
      },
    ],
    [
      timing({ type: 'every', everyMs: hour, from: at }),
      { en: /^every hour, /, de: /^jede Stunde/, es: /^cada hora/, fr: /^chaque heure/ },
    ],
    [
      cron('0 9,18 * * *'),
      {
        en: /^every day at 09:00 and 18:00 \(Europe\/Berlin\)$/,
        de: /^jeden Tag um 09:00 und 18:00/,
        es: /^cada día a las 09:00 y 18:00/,
        fr: /^chaque jour à 09:00 et 18:00/,
      },
    ],
    [
      cron('0 9 * * 1-5'),
      { en: /^every weekday at/, de: /^jeden Werktag/, es: /^de lunes a viernes/, fr: /^du lundi au vendredi/ },
    ],
    [
      cron('30 18 * * 0,1'),
      {
        en: /^every Monday and Sunday at 18:30/,
        de: /^jeden Montag und Sonntag/,
        es: /^cada lunes y domingo/,
        fr: /^chaque lundi et dimanche/,
      },
    ],
    [
      cron('0 8 1,15,L * *'),
      {
        en: /^every month on the 1st, 15th and last day at 08:00/,
        de: /^jeden Monat am 1\., 15\. und letzten Tag/,
        es: /^cada mes el día 1, día 15 y último día/,
        fr: /^chaque mois le 1er, 15 et dernier jour/,
      },
    ],
    [
      cron('0 9 * * 5#L'),
      { en: /^on the last Friday/, de: /^am letzten Freitag/, es: /^el último viernes/, fr: /^le dernier vendredi/ },
    ],
    [
      cron('0 9 * * 1#1'),
      { en: /^on the first Monday/, de: /^am ersten Montag/, es: /^el primer lunes/, fr: /^le premier lundi/ },
    ],
    [
      cron('0 18 24 12 *'),
      {
        en: /^every year on 24 December at 18:00/,
        de: /am 24\. Dezember/,
        es: /el 24 de diciembre/,
        fr: /le 24 décembre/,
      },
    ],
    [
      cron('*/15 * * * *'),
      { en: /^every 15 minutes \(/, de: /^alle 15 Minuten/, es: /^cada 15 minutos/, fr: /^toutes les 15 minutes/ },
    ],
    [
      cron('7 3 1-7 */2 1'),
      { en: /`7 3 1-7 \*\/2 1`/, de: /^nach dem Ausdruck `/, es: /^según la expresión `/, fr: /^selon l’expression `/ },
    ],
  ];
  for (const [of, expected] of table)
    for (const language of languages) assert.match(whenText(of, schedule[language]), expected[language]);
});

test('exceptions, the end and the count stand behind it', () => {
  const limited = timing(
    { type: 'cron', expression: '0 9 * * *' },
    {
      except: ['holidays:DE-BY', '2026-12-24', '2026-12-27/2027-01-02'],
      endAt: Date.UTC(2027, 2, 1, 22, 59, 59),
      maxRuns: 5,
    },
  );
  assert.equal(
    whenText(limited, schedule.en).replace('Mon,', 'Mon'),
    'every day at 09:00 (Europe/Berlin), except holidays (Germany, BY), 24 December 2026 and 27 December 2026 to 2 January 2027, until Mon 1 Mar 2027, 5 times',
  );
  assert.match(whenText({ ...limited, endAt: at }, schedule.en), /until Thu,? 24 Dec 2026, 18:00/);
  for (const language of languages) assert.match(whenText(limited, schedule[language]), /BY.*24.*27.*2027.*5/);
});

test('a length in days says that it does not follow the clocks, where they change', () => {
  const days = (name: string) =>
    whenText(timing({ type: 'every', everyMs: 48 * hour, from: at }, { zone: name }), schedule.en);
  assert.match(days('Europe/Berlin'), /every 2 days.*an hour off/);
  assert.doesNotMatch(days('UTC'), /an hour off/);
});

test('a shape is only named that the expression really has', () => {
  const others = [
    '*/7 * * * *',
    '0 */5 * * *',
    '5 * * * *',
    '0 9 1 * 1',
    '0 9 1 */3 *',
    '0,30 9 * * *',
    '30 0 9 * * *',
    '0 9 * * 8',
    '0 24 * * *',
    '60 9 * * *',
    '0 9 5-1 * *',
    '0 9 1 1,2 *',
    '0 9 * * MON',
    '0 9 * *',
    '',
  ];
  for (const expression of others) assert.equal(cronShape(expression), null, expression);
  assert.deepEqual(cronShape('0 0 9 * * 7'), { type: 'weekly', days: [0], times: ['09:00'] });
  assert.deepEqual(cronShape('0 9 L * *'), { type: 'monthly', days: [-1], times: ['09:00'] });
  assert.deepEqual(cronShape('0 * * * *'), { type: 'every', unit: 'hour', count: 1 });
});

test('what is understood in words is repeated in words', () => {
  const now = { year: 2026, month: 11, day: 25, hour: 10, minute: 30, second: 15 };
  for (const language of languages)
    for (const [text] of phrases[language]) {
      const read = readWhen(text, { language, now, zone });
      const expression = 'when' in read ? read.when.cron : undefined;
      if (expression === undefined || expression.includes('*/')) continue;
      assert.notEqual(cronShape(expression), null, text);
    }
});

const job: JobRow = {
  ...cron('0 9 * * *'),
  id: 'job_1',
  owner: 'per_1',
  name: 'a *name*\nwith `marks`',
  payload: { kind: 'text', text: '[tea](http://x)' },
  deliver: {
    to: 'conversation',
    conversation: { channel: 'telegram', account: 'main', native: '1' },
    chatType: 'direct',
    sessionKey: 's',
  },
  missed: { policy: 'once', max: 1, maxLatenessMs: null },
  jitterMs: 0,
  maxAttempts: 1,
  origin: { kind: 'sender', id: 'telegram:main', role: 'member', tainted: null },
  nextAt: at,
  createdAt: 0,
  state: 'active',
  reason: null,
  revision: 1,
  runs: 0,
  missedRuns: 0,
  lastFiredAt: null,
  decidedAt: 0,
  memory: null,
  updatedAt: 0,
};
const view = (over: Partial<JobRow> = {}): JobView => ({
  job: { ...job, ...over },
  next: (over.state ?? 'active') === 'active' ? [{ at, local: '' }] : [],
});

test('a job says what it does, where it goes and how it stands; nothing of its texts is formatting', () => {
  const here = { channel: 'telegram', account: 'main', native: '1' };
  const text = jobText(view(), here, schedule.en);
  assert.match(text, /^- Every day at 09:00/);
  assert.match(text, /- I say: \\\[tea\\\]\(http:\/\/x\)\n/);
  assert.match(text, /- Next: Thu,? 24 Dec 2026, 18:00$/);
  assert.match(jobText(view(), { ...here, thread: '2' }, schedule.en), /another conversation, on telegram/);
  assert.match(jobText(view({ deliver: { to: 'nowhere' } }), here, schedule.en), /nobody is told/);
  assert.match(jobText(view({ deliver: { to: 'webhook', name: 'crm' } }), here, schedule.en), /webhook `crm`/);
  const paused = view({ state: 'paused', reason: 'crashed', runs: 1, missedRuns: 2 });
  assert.match(jobText(paused, here, schedule.en), /- Paused: it crashed the gateway.*\n- Ran once, missed 2\./);
  assert.match(jobLine(paused, schedule.de), /Angehalten: er hat das Gateway/);
  assert.match(jobLine(view(), schedule.en), /^- \*\*a \\\*name\\\* with \\`marks\\`\*\* \(`job_1`\): every day/);
  assert.match(jobLine(view({ state: 'finished' }), schedule.en), /Over$/);
});

test('each kind of work and each state of a task has its words', () => {
  const payloads: Payload[] = [
    { kind: 'ask', prompt: 'x' },
    { kind: 'tool', tool: 'x' },
    { kind: 'fetch', url: 'x' },
    { kind: 'lookup', query: 'x' },
    { kind: 'webhook', name: 'x' },
    { kind: 'file', name: 'x' },
    { kind: 'workflow', steps: [{ id: 'x', do: { kind: 'text', text: '' } }] },
    { kind: 'chore', chore: 'x' },
  ];
  const task: TaskRow = {
    ...job,
    jobId: null,
    due: null,
    trigger: 'hand',
    kind: 'text',
    runAt: at,
    seq: 1,
    state: 'queued',
    attempts: 0,
    crashes: 0,
    node: null,
    leaseUntil: null,
    fence: 0,
    progress: { done: 0.4, text: 'half\nway' },
    result: null,
    error: { kind: 'network', code: 'x', message: 'No *way*.', retryable: false },
    startedAt: null,
    finishedAt: null,
  };
  for (const language of languages) {
    const words = schedule[language];
    for (const payload of payloads) assert.match(doesText(payload, words), /x/);
    assert.match(taskLine(task, zone, words), /18:00$/);
    assert.match(taskLine({ ...task, state: 'running' }, zone, words), /40 % half way$/);
    assert.match(taskLine({ ...task, state: 'failed', finishedAt: at }, zone, words), /No \\\*way\\\*\., .*18:00$/);
  }
});

test('a long text is cut in the middle of no sign', () => {
  const text = `${'x'.repeat(199)}👍👍`;
  const shown = doesText({ kind: 'text', text }, schedule.en);
  assert(shown.isWellFormed());
  assert(shown.length < 230);
});
