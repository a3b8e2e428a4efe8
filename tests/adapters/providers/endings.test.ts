/** Answers that end, or do not, in ways no specification knows: over a real socket, as a server of a user's own sends them. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/adapters/system/index.ts';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import type { Clock } from '../../../src/core/ports/system.ts';
import type { WireDialect } from '../../support/provider-fault-server.ts';
import { wireFrames, wireWhole } from '../../support/provider-wire.ts';
import { collect, depsWith, httpClient, providerOf, requestFor, textOf } from './support.ts';

const answer = { text: 'Hello there.', deltas: 3, usage: { prompt: 20, output: 9 } };
const streaming = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const satisfies WireDialect[];

describe('an answer', () => {
  const http = httpClient();
  let respond: (response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => {
    request.resume().on('end', () => respond(response));
  });
  before(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
  after(() => {
    http.close();
    server.closeAllConnections();
    server.close();
  });

  const baseUrl = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function ask(dialect: WireDialect, answering: (response: ServerResponse) => void): Promise<ModelEvent[]> {
    respond = answering;
    return collect(providerOf(dialect, { id: 'p', baseUrl: baseUrl() }, depsWith(http)), requestFor('m'));
  }

  const typed = (type: string | null): Record<string, string> => (type === null ? {} : { 'content-type': type });

  test('is read as what it is, whatever type its server claims', async () => {
    for (const dialect of streaming) {
      const { head, output, tail } = wireFrames(dialect, 'm', answer);
      const stream = [...head, ...output, ...tail].join('');
      const whole = wireWhole(dialect, 'm', answer);
      for (const type of ['text/event-stream', 'application/json', 'text/plain', 'text/html; charset=UTF-8', null])
        for (const body of [stream, whole, `\uFEFF\r\n ${whole}`, `\uFEFF${stream}`]) {
          const events = await ask(dialect, (response) => void response.writeHead(200, typed(type)).end(body));
          assert.equal(textOf(events), answer.text, `${dialect} ${type} ${body.slice(0, 30)}`);
          assert.equal(events.at(-1)?.type, 'finish');
        }
    }
  });

  test('that is a web page is one, whatever type its server claims', async () => {
    for (const dialect of [...streaming, 'ollama'] as const)
      for (const type of ['text/event-stream', 'text/html', null]) {
        const events = await ask(
          dialect,
          (response) => void response.writeHead(200, typed(type)).end('\n<html>Log in'),
        );
        const last = events.at(-1);
        assert.ok(last?.type === 'error' && last.error.kind === 'bad_response', JSON.stringify(last));
        assert.match(last.error.detail, /web page/);
      }
  });

  test(
    'is whole once its end was told, though the server says nothing more and never hangs up',
    { timeout: 20_000 },
    async () => {
      for (const dialect of ['openai-chat', 'anthropic-messages'] as const) {
        const { head, output, tail } = wireFrames(dialect, 'm', answer);
        const events = await ask(dialect, (response) => {
          response.writeHead(200, typed('text/event-stream'));
          response.write([...head, ...output, ...tail.slice(0, -1)].join(''));
        });
        assert.equal(events.filter(({ type }) => type === 'finish').length, 1, dialect);
        assert.equal(textOf(events), answer.text);
        const usage = events.find((event) => event.type === 'usage')?.usage;
        assert.deepEqual([usage?.input, usage?.output], [20, 9], 'counts that followed the end are waited for');
      }
    },
  );

  test('that goes on after the reason of its end is waited for anew with each piece', async () => {
    const call = (name: string): string => {
      const delta = { tool_calls: [{ id: name, function: { name, arguments: '{}' } }] };
      return `data: ${JSON.stringify({ choices: [{ delta, finish_reason: 'stop' }] })}\n\n`;
    };
    const names = ['one', 'two', 'three'];
    let patience = 0;
    const waits = new Set<object>();
    const next = (response: ServerResponse): void => {
      const name = names.shift();
      if (name === undefined) response.end('data: [DONE]\n\n');
      else response.write(call(name));
    };
    let answering: ServerResponse | null = null;
    const clock: Clock = {
      ...systemClock,
      after(ms, then) {
        patience++;
        const wait = {};
        waits.add(wait);
        assert.equal(waits.size, 1, 'one wait at a time');
        if (answering !== null) next(answering);
        const callOff = systemClock.after(ms * 10, then);
        return () => {
          waits.delete(wait);
          callOff();
        };
      },
    };
    respond = (response) => {
      answering = response;
      response.writeHead(200, typed('text/event-stream'));
      next(response);
    };
    const deps = { ...depsWith(http), clock };
    const events = await collect(providerOf('openai-chat', { id: 'p', baseUrl: baseUrl() }, deps), requestFor('m'));
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'tool_call' ? [event.name] : [])),
      ['one', 'two', 'three'],
    );
    assert.ok(patience >= 3);
  });

  test('that never ends is not collected without a bound', { timeout: 20_000 }, async () => {
    const chunk = (delta: object): string => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`.repeat(16);
    for (const delta of [{ content: 'x'.repeat(64_000) }, { reasoning_content: 'x'.repeat(64_000) }]) {
      let sent = 0;
      const events = await ask('openai-chat', (response) => {
        response.writeHead(200, typed('text/event-stream'));
        const piece = chunk(delta);
        const more = (): void => {
          while (!response.destroyed && response.write(piece)) sent += piece.length;
        };
        response.on('drain', more);
        more();
      });
      const last = events.at(-1);
      assert.ok(last?.type === 'error' && last.error.kind === 'bad_response', JSON.stringify(last));
      assert.match(last.error.detail, /longer than/);
      assert.ok(sent < 100 * 1024 * 1024);
    }
  });
});
