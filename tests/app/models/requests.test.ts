import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { messagesRequest } from '../../../src/adapters/providers/anthropic-messages/request.ts';
import { ollamaRequest } from '../../../src/adapters/providers/ollama/request.ts';
import { chatRequest } from '../../../src/adapters/providers/openai-chat/request.ts';
import { responsesRequest } from '../../../src/adapters/providers/openai-responses/request.ts';
import type { Message } from '../../../src/core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../src/core/ports/provider.ts';
import { repairHistory, type TurnPart } from '../../../src/core/repair.ts';
import { crashPrefixes, transcripts, wildHistories } from '../../support/histories.ts';
import { validateRequest, wireDialects, type WireDialect } from '../../support/provider-requests.ts';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 100);

const builders: Record<WireDialect, (request: ModelRequest) => unknown> = {
  'openai-chat': (request) => chatRequest(request, true),
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

function requestOf(history: readonly Message[]): ModelRequest | null {
  const messages = repairHistory(history).map(({ role, parts }): RequestMessage => ({
    role,
    parts: parts.map(loaded),
  }));
  const look = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } };
  const request = { model: 'm', system: 'Be brief.', messages, tools: [look], cacheKey: 'main' };
  return messages.length === 0 ? null : request;
}

/** What the API of the dialect would refuse about the body as it goes over the wire. */
function problems(dialect: WireDialect, history: readonly Message[]): string[] {
  const request = requestOf(history);
  return request === null ? [] : validateRequest(dialect, JSON.parse(JSON.stringify(builders[dialect](request))));
}

for (const dialect of wireDialects) {
  test(`any crash prefix of any transcript is a request that ${dialect} takes`, () => {
    fc.assert(
      fc.property(transcripts, (transcript) => {
        for (const prefix of crashPrefixes(transcript)) assert.deepEqual(problems(dialect, prefix), []);
      }),
      { numRuns: runs },
    );
  });

  test(`any history at all, sense or not, is a request that ${dialect} takes`, () => {
    fc.assert(
      fc.property(wildHistories, (history) => assert.deepEqual(problems(dialect, history), [])),
      { numRuns: runs * 3 },
    );
  });
}
