import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Message, Part, Role } from '../../src/core/message.ts';
import { repairHistory, window, type Turn } from '../../src/core/repair.ts';
import { crashPrefixes, message, transcripts, violations, wildHistories } from '../support/histories.ts';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 300);
const say = (role: Role, ...parts: Part[]): Message => message(role, parts);
const text = (text: string): Part => ({ type: 'text', text });
const call = (id: string, name = 'look'): Part => ({ type: 'tool_call', id, name, args: { q: id } });
const result = (callId: string, text = `out ${callId}`): Part => ({
  type: 'tool_result',
  callId,
  name: 'look',
  text,
  isError: false,
});
const shape = (turns: Turn[]): string => turns.map((turn) => `${turn.role[0]}${turn.parts.length}`).join(' ');
const words = (turns: Turn[]): string[] =>
  turns.flatMap((turn) => turn.parts.flatMap((part) => ('text' in part ? [part.text] : [])));

test('a sound history comes out as it went in', () => {
  const history = [
    say('user', text('where?')),
    say('assistant', text('I look.'), call('a'), call('b')),
    say('tool', result('a')),
    say('tool', result('b')),
    say('assistant', text('There.')),
    say('user', text('thanks')),
  ];
  assert.equal(shape(repairHistory(history)), 'u1 a3 t2 a1 u1');
});

test('a call whose result a crash swallowed gets one that says so, in the place of the call', () => {
  const turns = repairHistory([
    say('user', text('go')),
    say('assistant', call('a'), call('b')),
    say('tool', result('b')),
  ]);
  assert.equal(shape(turns), 'u1 a2 t2');
  const [first, second] = turns[2]?.parts ?? [];
  assert.ok(
    first?.type === 'tool_result' && first.isError && first.callId === 'a' && /outcome is unknown/.test(first.text),
  );
  assert.ok(second?.type === 'tool_result' && !second.isError && second.text === 'out b');
});

test('a tool that said nothing has said so: no provider takes an empty result', () => {
  const turns = repairHistory([say('user', text('go')), say('assistant', call('a')), say('tool', result('a', ' \n'))]);
  assert.deepEqual(words(turns), ['go', '(no output)']);
});

test('results stand in the order of their calls, whatever order they came in', () => {
  const turns = repairHistory([
    say('user', text('go')),
    say('assistant', call('a'), call('b')),
    say('tool', result('b'), result('a')),
  ]);
  assert.deepEqual(words(turns).slice(1), ['out a', 'out b']);
});

test('a result without its call becomes a note in the next words of the user', () => {
  const turns = repairHistory([
    say('user', text('go')),
    say('assistant', text('done')),
    say('tool', result('lost', 'x'.repeat(5000))),
    say('user', text('and now?')),
  ]);
  assert.equal(shape(turns), 'u1 a1 u2');
  assert.match(words(turns)[2] ?? '', /^\[A result of the tool look that arrived without its call: x/);
  assert.ok((words(turns)[2] ?? '').length < 1000);
});

test('the same call id used twice is told apart, each with its own result', () => {
  const turns = repairHistory([
    say('user', text('go')),
    say('assistant', call('call_0'), call('call_0')),
    say('tool', result('call_0', 'one'), result('call_0', 'two')),
    say('assistant', call('call_0')),
    say('tool', result('call_0', 'three')),
  ]);
  const results = turns.flatMap((turn) =>
    turn.parts.flatMap((part) => (part.type === 'tool_result' ? [[part.callId, part.text]] : [])),
  );
  assert.deepEqual(results, [
    ['call_0', 'one'],
    ['call_0_2', 'two'],
    ['call_0_3', 'three'],
  ]);
});

test('a user who speaks right after tool results is answered by no strict template unless something stands between', () => {
  const turns = repairHistory([
    say('user', text('go')),
    say('assistant', call('a')),
    say('tool', result('a')),
    say('user', text('stop')),
  ]);
  assert.equal(shape(turns), 'u1 a1 t1 a1 u1');
});

test('an assistant who speaks first, system notes, empty texts and thinking alone leave a valid request', () => {
  const turns = repairHistory([
    say('assistant', text('Welcome!')),
    say('system', text('The model was changed.')),
    say('user', text('  '), text('hi')),
    say('assistant', { type: 'reasoning', text: 'hm' }),
    say('assistant', text('')),
    say('user', text('still there?')),
    say('assistant', text('cut off')),
  ]);
  assert.equal(shape(turns), 'u3');
  assert.deepEqual(words(turns), ['The model was changed.', 'hi', 'still there?']);
});

test('half a surrogate pair does not leave the house', () => {
  assert.deepEqual(words(repairHistory([say('user', text('a\ud83d'))])), ['a\ufffd']);
});

test('a window cuts only where a user begins to speak', () => {
  const history = [
    say('user', text('1')),
    say('assistant', text('one')),
    say('user', text('2')),
    say('user', text('2b')),
    say('assistant', call('a')),
    say('tool', result('a')),
    say('assistant', text('two')),
    say('user', text('3')),
  ];
  assert.deepEqual(window(history, 0), history.slice(7));
  assert.deepEqual(window(history, 1), history.slice(2));
  assert.deepEqual(window(history, 2), history);
  assert.deepEqual(window(history, 99), history);
  assert.deepEqual(window([], 3), []);
});

test('any crash prefix of any transcript is a valid request', () => {
  fc.assert(
    fc.property(transcripts, (transcript) => {
      for (const prefix of crashPrefixes(transcript)) assert.deepEqual(violations(repairHistory(prefix)), []);
    }),
    { numRuns: runs },
  );
});

test('any transcript with any messages and parts gone is a valid request', () => {
  const damaged = fc.tuple(transcripts, fc.infiniteStream(fc.integer({ min: 0, max: 9 }))).map(([transcript, dice]) => {
    const survives = (): boolean => dice.next().value !== 0;
    return transcript.filter(survives).map((entry) => ({ ...entry, parts: entry.parts.filter(survives) }));
  });
  fc.assert(
    fc.property(damaged, (history) => assert.deepEqual(violations(repairHistory(history)), [])),
    { numRuns: runs },
  );
});

test('any sequence of any parts under any role is a valid request', () => {
  fc.assert(
    fc.property(wildHistories, (history) => assert.deepEqual(violations(repairHistory(history)), [])),
    { numRuns: runs * 3 },
  );
});

test('any window of any transcript is a valid request and ends like the whole', () => {
  fc.assert(
    fc.property(transcripts, fc.nat({ max: 6 }), (transcript, exchanges) => {
      const turns = repairHistory(window(transcript, exchanges));
      assert.deepEqual(violations(turns), []);
      if (transcript.at(-1)?.role === 'user') assert.equal(turns.at(-1)?.role, 'user');
    }),
    { numRuns: runs },
  );
});

test('nothing a user said is ever lost', () => {
  fc.assert(
    fc.property(wildHistories, (history) => {
      const said = history.flatMap((entry) => (entry.role === 'user' ? entry.parts : []));
      const expected = said.flatMap((part) =>
        part.type === 'text' && part.text.trim() !== '' ? [part.text.toWellFormed()] : [],
      );
      const kept = repairHistory(history).flatMap((turn) => (turn.role === 'user' ? words([turn]) : []));
      let from = 0;
      for (const words of expected) {
        from = kept.indexOf(words, from) + 1;
        assert.ok(from > 0, `lost: ${words}`);
      }
    }),
    { numRuns: runs },
  );
});

test('appending messages leaves the turns before the last one byte for byte as they were', () => {
  fc.assert(
    fc.property(transcripts, (transcript) => {
      let before: string[] = [];
      for (let length = 0; length <= transcript.length; length++) {
        const now = repairHistory(transcript.slice(0, length)).map((turn) => JSON.stringify(turn));
        // The last turn may grow; a pending call may get its result.
        const kept = before.slice(0, -1);
        assert.deepEqual(now.slice(0, kept.length), kept);
        before = now;
      }
    }),
    { numRuns: runs },
  );
});
