import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { messagesRequest } from '../../../src/adapters/providers/anthropic-messages/request.ts';
import { ollamaRequest } from '../../../src/adapters/providers/ollama/request.ts';
import { chatRequest } from '../../../src/adapters/providers/openai-chat/request.ts';
import { firstStyle } from '../../../src/adapters/providers/openai-chat/style.ts';
import { responsesRequest } from '../../../src/adapters/providers/openai-responses/request.ts';
import type { Message } from '../../../src/core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../src/core/ports/provider.ts';
import { repairHistory, type TurnPart } from '../../../src/core/repair.ts';
import { requestOf as contextOf } from '../../../src/app/runs/context.ts';
import { trimmed } from '../../../src/core/trim.ts';
import { agent } from '../../support/message-path.ts';
import { crashPrefixes, transcripts, wildHistories } from '../../support/histories.ts';
import { validateRequest, wireDialects, type WireDialect } from '../../support/provider-requests.ts';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 100);

const builders: Record<WireDialect, (request: ModelRequest) => unknown> = {
  'openai-chat': (request) => chatRequest(request, firstStyle({ id: 'p', baseUrl: 'https://api.openai.com/v1' })),
  'openai-responses': responsesRequest,
  'anthropic-messages': messagesRequest,
  ollama: (request) => ollamaRequest(request, 8192),
};

const picture = new Uint8Array([137, 80, 78, 71]);

/** Pictures are loaded, other files become words; as the runs do it. */
const loaded = (part: TurnPart): RequestPart => {
  if (part.type !== 'file') return part;
  if (part.mimeType.startsWith('image/')) return { type: 'image', mimeType: part.mimeType, data: picture };
  return { type: 'text', text: `[attached file: ${part.file}]` };
};

const look = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } };

function requestOf(history: readonly Message[]): ModelRequest | null {
  const messages = repairHistory(history).map(({ role, parts }): RequestMessage => ({
    role,
    parts: parts.map(loaded),
  }));
  const request = { model: 'm', system: 'Be brief.', messages, tools: [look], cacheKey: 'main' };
  return messages.length === 0 ? null : request;
}

/** What the API of the dialect would refuse about the body as it goes over the wire. */
function problems(dialect: WireDialect, history: readonly Message[]): string[] {
  const request = requestOf(history);
  return request === null ? [] : validateRequest(dialect, JSON.parse(JSON.stringify(builders[dialect](request))));
}

/** What is left of a history, and how it is shown. */
const seen = fc.record({
  from: fc.nat(6),
  cut: fc.nat(6),
  exchanges: fc.nat(3),
  marks: fc.array(fc.constantFrom({}, { outside: 'web page' }, { by: 'chat:main:7' }, { by: 'chat:main:8' }), {
    minLength: 1,
  }),
  summary: fc.boolean(),
  now: fc.boolean(),
  tokens: fc.constantFrom(0, 20, 100, 100_000),
});

for (const dialect of wireDialects) {
  test(`any crash prefix of any transcript is a request that ${dialect} takes`, () => {
    fc.assert(
      fc.property(transcripts, (transcript) => {
        for (const prefix of crashPrefixes(transcript)) assert.deepEqual(problems(dialect, prefix), []);
      }),
      { numRuns: runs },
    );
  });

  test(`whatever of a transcript is forgotten, summarised, fenced or trimmed, it is a request that ${dialect} takes`, async () => {
    await fc.assert(
      fc.asyncProperty(transcripts, seen, async (transcript, { from, cut, exchanges, marks, summary, now, tokens }) => {
        const marked = transcript.map((message, n) => ({
          ...message,
          parts: message.parts.map((part) => ({ ...part, ...marks[n % marks.length] })),
        }));
        // A trimmed conversation begins anywhere, a crash ends it anywhere.
        const history = marked.slice(from, Math.max(0, marked.length - cut));
        const request = await contextOf(history, {
          agent: { ...agent, historyWindow: exchanges },
          loadFile: () => Promise.resolve(picture),
          summary: summary ? { seq: 1, text: 'They spoke of tea.', outside: 'web page', at: 0 } : null,
          now: now ? 'It is Monday.' : null,
          cacheKey: 'main',
        });
        const messages = trimmed(request.system, request.messages, tokens);
        if (messages.length === 0) return;
        const body = builders[dialect]({ ...request, messages, model: 'm', tools: [look] });
        assert.deepEqual(validateRequest(dialect, JSON.parse(JSON.stringify(body))), []);
      }),
      { numRuns: runs * 3 },
    );
  });

  test(`any history at all, sense or not, is a request that ${dialect} takes`, () => {
    fc.assert(
      fc.property(wildHistories, (history) => assert.deepEqual(problems(dialect, history), [])),
      { numRuns: runs * 3 },
    );
  });
}
