import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { array, assert as assertProperty, asyncProperty, nat } from 'fast-check';
import type { HttpClient } from '../../../src/core/ports/http-client.ts';
import { HttpFailure } from '../../../src/core/ports/http-client.ts';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import { httpBody } from '../../support/http-body.ts';
import { wireDialects } from '../../support/provider-requests.ts';
import type { WireDialect } from '../../support/provider-requests.ts';
import { wireErrorFrame, wireFrames } from '../../support/provider-wire.ts';
import { collect, depsWith, providerOf, requestFor } from './support.ts';

/** Random cuttings of each stream, beside every single cut. More of them: `CHUNKING_RUNS=2000 node --test …` */
const runs = Number(process.env['CHUNKING_RUNS'] ?? 15);
/** Every byte offset of the plain recording; of its variants every so many, unless more runs are asked for. */
const variantStep = runs > 15 ? 1 : 17;

/** An answer with everything a dialect can carry, in characters of one to four bytes. */
function recorded(dialect: WireDialect): string[] {
  const { head, output, tail } = wireFrames(dialect, 'm', {
    text: 'Grüße, 世界! 🌍 "quoted"\nand\r\nmore',
    deltas: 5,
    reasoning: 'Hm… 🤔',
    toolCalls: [
      { id: 'call_a', name: 'lookup', args: { city: 'Zürich 🏔' } },
      { id: 'call_b', name: 'lookup', args: {} },
    ],
    usage: { prompt: 30, output: 12, cacheRead: 10, reasoning: 3 },
  });
  return [...head, ...output, ...tail];
}

const spellings: [string, (frames: string[]) => string][] = [
  ['as sent', (frames) => frames.join('')],
  ['with CRLF', (frames) => frames.join('').replaceAll('\n', '\r\n')],
  ['with a byte order mark', (frames) => `\uFEFF${frames.join('')}`],
];
const onlySse: [string, (frames: string[]) => string][] = [
  ['with CR alone', (frames) => frames.join('').replaceAll('\n', '\r')],
  [
    'with comments, ids and unknown fields',
    (frames) => frames.map((frame) => `: keep-alive\nid: 7\nfoo: bar\n${frame}`).join(''),
  ],
];

/** Streams whose faults must not depend on the cuts either. */
const faulty: [string, (frames: string[], dialect: WireDialect) => string][] = [
  ['cut off', (frames) => frames.slice(0, -3).join('')],
  ['cut inside a frame', (frames) => frames.join('').slice(0, Math.floor(frames.join('').length / 2))],
  [
    'with an error in the middle',
    (frames, dialect) =>
      [...frames.slice(0, 4), wireErrorFrame(dialect, 'api_error', 'Broken.'), ...frames.slice(4)].join(''),
  ],
  [
    'with a malformed frame',
    (frames, dialect) =>
      [...frames.slice(0, 4), dialect === 'ollama' ? '{"x\n' : 'data: {"x\n\n', ...frames.slice(4)].join(''),
  ],
];

async function eventsOf(dialect: WireDialect, chunks: Uint8Array[], lost = false): Promise<ModelEvent[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* chunks;
    if (lost) throw new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.');
  }
  const http: HttpClient = {
    request: () =>
      Promise.resolve({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: httpBody(body()) }),
  };
  const provider = providerOf(dialect, { id: 'p', baseUrl: 'http://127.0.0.1' }, depsWith(http));
  const events = await collect(provider, requestFor('m'));
  return withoutMintedIds(events);
}

/** Ollama's calls get random ids from us. */
function withoutMintedIds(events: ModelEvent[]): ModelEvent[] {
  const ids = new Map<string, string>();
  return events.map((event) => {
    if (!('id' in event) || !/^call_[0-9a-f]{24}$/.test(event.id)) return event;
    if (!ids.has(event.id)) ids.set(event.id, `minted-${ids.size}`);
    return { ...event, id: ids.get(event.id) ?? '' };
  });
}

function cutAt(bytes: Uint8Array, offsets: number[]): Uint8Array[] {
  const cuts = [0, ...offsets.sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

describe('a stream means the same however the network cuts it', () => {
  for (const dialect of wireDialects) {
    const streams = [...spellings, ...(dialect === 'ollama' ? [] : onlySse), ...faulty];
    for (const [title, spell] of streams) {
      test(`${dialect}, ${title}`, async () => {
        const bytes = Buffer.from(spell(recorded(dialect), dialect));
        const whole = await eventsOf(dialect, [bytes]);
        assert.equal(
          whole.at(-1)?.type,
          faulty.some(([name]) => name === title) ? 'error' : 'finish',
          JSON.stringify(whole.at(-1)),
        );
        for (let offset = 1; offset < bytes.length; offset += title === 'as sent' ? 1 : variantStep)
          assert.deepEqual(await eventsOf(dialect, cutAt(bytes, [offset])), whole, `cut at byte ${offset}`);
        assert.deepEqual(await eventsOf(dialect, cutAt(bytes, [...bytes.keys()])), whole, 'byte by byte');
        await assertProperty(
          asyncProperty(array(nat(bytes.length), { maxLength: 40 }), async (offsets) => {
            assert.deepEqual(await eventsOf(dialect, cutAt(bytes, offsets)), whole);
          }),
          { numRuns: runs },
        );
      });
    }

    test(`${dialect}: spelled differently it is the same answer, with all of its parts`, async () => {
      const plain = await eventsOf(dialect, [Buffer.from(recorded(dialect).join(''))]);
      for (const [title, spell] of [...spellings, ...(dialect === 'ollama' ? [] : onlySse)])
        assert.deepEqual(await eventsOf(dialect, [Buffer.from(spell(recorded(dialect)))]), plain, title);
      const calls = plain.filter((event) => event.type === 'tool_call').map(({ name, args }) => ({ name, args }));
      assert.deepEqual(calls, [
        { name: 'lookup', args: { city: 'Zürich 🏔' } },
        { name: 'lookup', args: {} },
      ]);
      const text = plain.map((event) => (event.type === 'text' ? event.text : '')).join('');
      assert.equal(text, 'Grüße, 世界! 🌍 "quoted"\nand\r\nmore');
      const thought = plain.map((event) => (event.type === 'reasoning' ? event.text : '')).join('');
      assert.equal(thought, 'Hm… 🤔');
    });

    test(`${dialect}: cut anywhere it never counts as finished before its terminal evidence`, async () => {
      const bytes = Buffer.from(recorded(dialect).join(''));
      const evidence = {
        'openai-chat': '"finish_reason":"tool_calls"}]}\n',
        'openai-responses': '"type":"response.completed"',
        'anthropic-messages': '"stop_reason":"tool_use"',
        ollama: '"done":true',
      }[dialect];
      const from = bytes.indexOf(evidence);
      for (let length = 1; length < bytes.length; length += 7) {
        for (const lost of [false, true]) {
          const last = (await eventsOf(dialect, [bytes.subarray(0, length)], lost)).at(-1);
          if (length <= from) assert.equal(last?.type, 'error', `${length} bytes`);
          assert.ok(last?.type === 'finish' || last?.type === 'error');
        }
      }
    });
  }
});
