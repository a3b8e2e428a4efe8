import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Language } from '../../../src/core/languages.ts';
import type { WallTime } from '../../../src/core/ports/calendar.ts';
import { countryOf } from '../../../src/core/when/country.ts';
import { maxWhenText, readWhen, type ReadWhen } from '../../../src/core/when/read-when.ts';
import { phrases } from './phrases.ts';

const now: WallTime = { year: 2026, month: 11, day: 25, hour: 10, minute: 30, second: 15 };
const zone = 'Europe/Berlin';
const languages: readonly Language[] = ['en', 'de', 'es', 'fr'];
const iterations = Number(process.env['WHEN_ITERATIONS'] ?? 400);

const read = (text: string, language: Language = 'en', over: Partial<WallTime> = {}): ReadWhen =>
  readWhen(text, { language, now: { ...now, ...over }, zone });

/** `at 2026-11-26T09:00`, `cron 0 9 * * 1-5, except holidays:DE` */
function meaning(reading: ReadWhen): string {
  if ('problem' in reading) return `problem: ${/passed|vorbei|pasó|passée/.test(reading.problem) ? 'past' : 'unclear'}`;
  const { time_zone: clock, ...when } = reading.when;
  if (when.after === undefined) assert.equal(clock, zone);
  return Object.entries(when)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}
const rest = (reading: ReadWhen): string => ('rest' in reading ? reading.rest : '');

for (const language of languages) {
  test(`what people type is read as it is meant: ${language}`, () => {
    assert(phrases[language].length >= 60);
    for (const [text, expected, left] of phrases[language]) {
      const reading = read(text, language);
      assert.deepEqual([meaning(reading), rest(reading)], [expected, left], text);
    }
  });

  test(`case and missing accents change nothing: ${language}`, () => {
    for (const [text, expected] of phrases[language]) {
      if (text.includes('`') || text.includes('"') || /\bin [A-Z]{2}\b|T\d/.test(text)) continue;
      const bare = text.normalize('NFD').replaceAll(/\p{M}/gu, '');
      assert.equal(meaning(read(bare.toUpperCase(), language)), expected, bare);
    }
  });

  test(`what is not understood is a problem with three examples that are: ${language}`, () => {
    for (const text of ['', ' ', '???', 'xyzzy', '1 2 3', '99:99', '31.02.']) {
      const reading = read(text, language);
      assert('problem' in reading, text);
      const examples = reading.problem.match(/`[^`]+`/g) ?? [];
      assert.equal(examples.length, 3, reading.problem);
      for (const example of examples) {
        const meant = read(example.slice(1, -1), language);
        assert('when' in meant && meant.rest === '', example);
      }
    }
  });
}

test('a time that has passed today is tomorrow’s, one that is just now as well', () => {
  assert.equal(meaning(read('at 10:30 x')), 'at 2026-11-26T10:30');
  assert.equal(meaning(read('at 10:31 x')), 'at 2026-11-25T10:31');
  assert.equal(meaning(read('at 10:30 x', 'en', { second: 0 })), 'at 2026-11-26T10:30');
  assert.equal(meaning(read('at 0:00 x', 'en', { month: 12, day: 31 })), 'at 2027-01-01T00:00');
});

test('the day of the week that it is today is meant while its time is still to come', () => {
  assert.equal(meaning(read('wednesday at 10:31 x')), 'at 2026-11-25T10:31');
  assert.equal(meaning(read('wednesday at 10:30 x')), 'at 2026-12-02T10:30');
  assert.equal(meaning(read('next wednesday at 10:31 x')), 'at 2026-12-02T10:31');
});

test('3/4 is a day of April or of March, by the language; what can only be one is that', () => {
  assert.equal(meaning(read('on 3/4 x', 'en')), 'at 2027-03-04T09:00');
  assert.equal(meaning(read('am 3/4 x', 'de')), 'at 2027-04-03T09:00');
  assert.equal(meaning(read('on 25/12 x', 'en')), 'at 2026-12-25T09:00');
  assert.equal(meaning(read('el 12/25 x', 'es')), 'at 2026-12-25T09:00');
});

test('a date is never moved into another year or century than was said', () => {
  assert.equal(meaning(read('on 24.12.25 x')), 'problem: past');
  assert.equal(meaning(read('on 24 December 1999 x')), 'problem: past');
  assert.equal(meaning(read('on 24.12.99 x')), 'problem: unclear');
  assert.equal(meaning(read('on 24.12.27 x')), 'at 2027-12-24T09:00');
  assert.equal(meaning(read('on 29.02.2027 x')), 'problem: unclear');
});

test('a month later is the last day of a month that is shorter', () => {
  assert.equal(meaning(read('in a month at 9 x', 'en', { month: 1, day: 31 })), 'at 2026-02-28T09:00');
});

test('what begins with something like a time is a name where a time stands at the end', () => {
  for (const [text, expected, left] of [
    ['daily stand-up tomorrow at 9', 'at 2026-11-26T09:00', 'daily stand-up'],
    ['monday meeting: agenda tomorrow at 9', 'at 2026-11-26T09:00', 'monday meeting: agenda'],
    ['10 minute walk at 18:00', 'at 2026-11-25T18:00', '10 minute walk'],
    ['weekly review friday at 16:00', 'cron 0 16 * * 5', 'review'],
    ['every 2 hours look at what comes tomorrow at 9', 'every 2h', 'look at what comes tomorrow at 9'],
    ['in 5 minutes ask what is at 9', 'after 5m', 'ask what is at 9'],
  ] as const) {
    const reading = read(text);
    assert.deepEqual([meaning(reading), rest(reading)], [expected, left], text);
  }
});

test('a length of time is from now, not from something else, and ends where its word does', () => {
  for (const text of ['5 minutes before lunch', '20m² of carpet', 'in 20m² x', 'at 9% x', 'x at 9%', 'foo-at 9-bar'])
    assert.equal(meaning(read(text)), 'problem: unclear', text);
  assert.equal(meaning(read('5 Minuten vor dem Essen', 'de')), 'problem: unclear');
});

test('a time that is no time of the day is not taken for one', () => {
  for (const text of ['at 25 x', 'at 24:30 x', 'at 13pm x', 'tonight at 2 x', 'in 0 minutes x', 'every 0 hours x'])
    assert.equal(meaning(read(text)), 'problem: unclear', text);
});

test('at night the hours after midnight are clear where every night is meant, and else are asked about', () => {
  assert.equal(meaning(read('every night at 2 x')), 'cron 0 2 * * *');
  assert.equal(meaning(read('jede Nacht um 2 x', 'de')), 'cron 0 2 * * *');
  assert.equal(meaning(read('um 2 Uhr nachts x', 'de')), 'at 2026-11-26T02:00');
  assert.equal(meaning(read('friday night at 11 x')), 'at 2026-11-27T23:00');
  assert.equal(meaning(read('friday night at 12 x')), 'at 2026-11-28T00:00');
  for (const text of ['friday night at 2 x', 'every friday night at 2 x'])
    assert.equal(meaning(read(text)), 'problem: unclear', text);
});

test('until a time is until that time comes next', () => {
  assert.equal(meaning(read('every 30 min drink until 18:00')), 'every 30m, until 2026-11-25T18:00');
  assert.equal(meaning(read('alle 30 Minuten trinken bis 9 Uhr', 'de')), 'every 30m, until 2026-11-26T09:00');
  assert.equal(meaning(read('every day at 9 x until friday at 18:00')), 'cron 0 9 * * *, until 2026-11-27T18:00');
});

test('parts that do not go together are refused, not half heard', () => {
  for (const text of ['every day at 9 and 18:30', 'every 5 months', 'every hour except sundays', 'friday, 26.11. at 9'])
    assert.equal(meaning(read(text)), 'problem: unclear', text);
});

test('holidays are those of the country of the clock; where it has none, it has to be named', () => {
  const text = 'every day at 9 unless it is a holiday';
  const away = readWhen(text, { language: 'en', now, zone: 'UTC' });
  assert.match('problem' in away ? away.problem : '', /holidays in DE/);
  const there = readWhen(`${text} in France`, { language: 'en', now, zone: 'UTC' });
  assert.deepEqual('when' in there && there.when.except, ['holidays:FR']);
  const zones = { 'Asia/Kolkata': 'IN', 'Asia/Calcutta': 'IN', 'America/New_York': 'US', 'Europe/Vienna': 'AT' };
  for (const [name, country] of Object.entries(zones)) assert.equal(countryOf(name), country);
  for (const name of ['UTC', 'Etc/GMT+3', 'Mars/Olympus']) assert.equal(countryOf(name), null);
});

test('every example of the documentation is understood as it stands there', () => {
  const docs = readFileSync(new URL('../../../docs/SCHEDULES.md', import.meta.url), 'utf8');
  const [, section = ''] = docs.split('## Reminders in a chat');
  const lines = (section.split('What is left out')[0] ?? '').split('\n');
  // A column for each language; the table of commands is another.
  const rows = lines.filter((line) => line.startsWith('| ') && line.split('|').length > languages.length + 2);
  const limits = /^\| (?:from|but not)/;
  const every = ['every day at 9', 'jeden Tag um 9', 'cada día a las 9', 'tous les jours à 9h'];
  const examples = rows.slice(1).flatMap((row) =>
    row
      .split('|')
      .slice(2)
      .flatMap((cell, n) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => ({ text, n, row }))),
  );
  assert(examples.length > 40);
  for (const { text, n, row } of examples) {
    const whole = limits.test(row) ? `${every[n]} ${text}` : text;
    const reading = readWhen(whole, { language: languages[n] ?? 'en', now, zone, whole: true });
    assert('when' in reading, whole);
  }
});

test('somebody may write in another language than theirs', () => {
  for (const language of languages) {
    assert.equal(meaning(read('jeden Werktag um 9 Stand-up', language)), 'cron 0 9 * * 1-5');
    assert.equal(meaning(read('mañana a las 9 médico', language)), 'at 2026-11-26T09:00');
    assert.equal(meaning(read('tous les jours à 9h pilule', language)), 'cron 0 9 * * *');
    assert.equal(meaning(read('tea in 20 minutes', language)), 'after 20m');
  }
});

test('the text stays as it was written, over several lines and with its own marks', () => {
  const text = 'Ünïcode  **bold** 👩‍👩‍👧\n- one: 1\n- two';
  assert.equal(rest(read(`tomorrow at 9 ${text}`)), text);
  assert.equal(rest(read(`${text} tomorrow at 9`)), text);
});

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

function chooser(seed: number) {
  const random = numbers(seed);
  const below = (n: number): number => Math.floor(random.next().value * n);
  return { below, one: <T>(list: readonly T[]): T => list[below(list.length)] as T };
}

const grammar = {
  en: {
    in: (n: number) => `in ${n} minutes`,
    at: (time: string) => `tomorrow at ${time}`,
    days: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
    every: (a: string, b: string, time: string) => `every ${a} and ${b} at ${time}`,
    times: (n: number) => `${n} times`,
  },
  de: {
    in: (n: number) => `in ${n} Minuten`,
    at: (time: string) => `morgen um ${time}`,
    days: ['Sonntag', 'Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag'],
    every: (a: string, b: string, time: string) => `jeden ${a} und ${b} um ${time} Uhr`,
    times: (n: number) => `${n} Mal`,
  },
  es: {
    in: (n: number) => `en ${n} minutos`,
    at: (time: string) => `mañana a las ${time}`,
    days: ['domingo', 'lunes', 'martes', 'miércoles', 'jueves', 'viernes', 'sábado'],
    every: (a: string, b: string, time: string) => `cada ${a} y ${b} a las ${time}`,
    times: (n: number) => `${n} veces`,
  },
  fr: {
    in: (n: number) => `dans ${n} minutes`,
    at: (time: string) => `demain à ${time}`,
    days: ['dimanche', 'lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi'],
    every: (a: string, b: string, time: string) => `chaque ${a} et ${b} à ${time}`,
    times: (n: number) => `${n} fois`,
  },
} as const;

test('phrases built from the grammar are read as they were built, before and behind a text', () => {
  const { below, one } = chooser(5);
  const two = (n: number): string => String(n).padStart(2, '0');
  for (let i = 0; i < iterations; i++) {
    const language = one(languages);
    const words = grammar[language];
    const [hour, minute, amount] = [below(24), below(60), 1 + below(59)];
    const first = below(7);
    const second = (first + 1 + below(6)) % 7;
    const time = `${hour}:${two(minute)}`;
    const days = [first, second].toSorted((a, b) => a - b).join(',');
    const [phrase, expected] = one([
      [words.in(amount), `after ${amount}m`],
      [words.at(time), `at 2026-11-26T${two(hour)}:${two(minute)}`],
      [words.every(words.days[first] ?? '', words.days[second] ?? '', time), `cron ${minute} ${hour} * * ${days}`],
      [
        `${words.every(words.days[first] ?? '', words.days[second] ?? '', time)} ${words.times(amount)}`,
        `cron ${minute} ${hour} * * ${days}, max_runs ${amount}`,
      ],
    ] as const);
    for (const text of [`${phrase} xyzzy foo`, `xyzzy foo ${phrase}`, phrase]) {
      const reading = read(text, language);
      const shown = expected.replace('after 60m', 'after 1h');
      assert.deepEqual([meaning(reading), rest(reading)], [shown, text === phrase ? '' : 'xyzzy foo'], text);
    }
  }
});

test('whatever is typed, reading it neither throws nor loses a part of the text to nothing', () => {
  const { below, one } = chooser(7);
  const parts = languages.flatMap((language) => phrases[language].flatMap(([text]) => text.split(' ')));
  const signs = ['`', '"', '“', '’', ',', '.', '-', ':', '/', '\n', '½', '\u0000', '\ud800', '𝟗', '٣', '  ', '9', 'a'];
  for (let i = 0; i < iterations; i++) {
    const text = Array.from({ length: 1 + below(14) }, () => one(below(5) === 0 ? signs : parts)).join(
      one([' ', ' ', '']),
    );
    const reading = read(text, one(languages));
    assert('problem' in reading ? reading.problem !== '' : text.includes(reading.rest), text);
  }
});

test('a text as long as may be is worked through, a longer one is refused', () => {
  for (const piece of [
    '`',
    '"',
    '“',
    'every ',
    'on the ',
    '9:',
    '1.',
    'a-',
    ',',
    'in 2 ',
    'and ',
    'monday, ',
    'é',
    ' ',
  ])
    read(piece.repeat(Math.floor(maxWhenText / piece.length)));
  const reading = read(`tomorrow ${'x'.repeat(maxWhenText)}`);
  assert.match('problem' in reading ? reading.problem : '', /8000/);
});
