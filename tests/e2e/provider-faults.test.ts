/** Every fault of a model API, in every dialect, as a client of the built daemon sees it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.ts';
import { ask, chatEvents } from '../support/gateway-client.ts';
import {
  faultModes,
  startProviderServer,
  wireDialects,
  type ProviderServer,
  type WireDialect,
} from '../support/provider-fault-server.ts';

/** What a JSON client may be told: an answer, or one of the errors of the contract. */
const statuses = [200, 502, 503, 504];
const terminal = new Set(['run.finished', 'run.failed']);

interface Entry {
  role: string;
  parts: { type: string }[];
}

for (const dialect of wireDialects) {
  describe(`the daemon with ${dialect}`, () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-faults-'));
    let server: ProviderServer;
    let daemon: Daemon;
    const good = 'p/good';
    const target = (): { url: string; token: string } => ({ url: daemon.url, token: daemon.token() });

    before(async () => {
      server = await startProviderServer();
      daemon = await startDaemon({ dir, config: configFor(dialect, server.baseUrl(dialect)) });
    });
    after(async () => {
      await daemon.stop();
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    });

    it('gives one answer or one error for every fault, and the session goes on', async () => {
      await Promise.all(faultModes.map((mode, i) => conversation(`json-${i}`, mode)));
    });

    it('ends every stream with exactly one terminal event, and the session goes on', async () => {
      await Promise.all(faultModes.map((mode, i) => streamed(`sse-${i}`, mode)));
    });

    async function conversation(session: string, mode: string): Promise<void> {
      const answer = await ask(target(), 'POST', '/api/v1/chat', {
        text: 'hello',
        session,
        model: `f${mode}/fault-${mode}`,
      });
      assert.ok(statuses.includes(answer.status), `${mode}: status ${answer.status}`);
      if (answer.status !== 200)
        assert.match(JSON.stringify(answer.body), /"error":\{"code":"(provider|provider_unavailable|timeout)"/, mode);
      if (answer.status === 503) assert.ok(Number(answer.headers['retry-after']) > 0, `${mode}: Retry-After`);
      await usable(session, mode, answer.status === 200 ? 4 : 3);
    }

    async function streamed(session: string, mode: string): Promise<void> {
      const names: string[] = [];
      for await (const { event } of chatEvents(target(), { text: 'hello', session, model: `f${mode}/fault-${mode}` }))
        names.push(event);
      assert.equal(names.filter((name) => terminal.has(name)).length, 1, `${mode}: ${names.join(' ')}`);
      assert.ok(terminal.has(names.at(-1) ?? ''), `${mode}: the terminal event is the last`);
      await usable(session, mode, names.at(-1) === 'run.finished' ? 4 : 3);
    }

    /** A good question is answered, and the history holds each question once, no cut answer and no call without a result. */
    async function usable(session: string, mode: string, messages: number): Promise<void> {
      const next = await ask(target(), 'POST', '/api/v1/chat', { text: 'and now?', session, model: good });
      assert.equal(next.status, 200, `${mode}: the next question got ${JSON.stringify(next.body)}`);
      const history = await ask<{ messages: Entry[] }>(target(), 'GET', `/api/v1/sessions/${session}/messages`);
      const roles = history.body.messages.map(({ role }) => role).join(' ');
      const calls = history.body.messages.flatMap(({ parts }) => parts.filter(({ type }) => type === 'tool_call'));
      const results = history.body.messages.flatMap(({ parts }) => parts.filter(({ type }) => type === 'tool_result'));
      assert.equal(results.length, calls.length, `${mode}: ${roles}`);
      const said = history.body.messages.filter(({ parts }) => !parts.some(({ type }) => type.startsWith('tool_')));
      assert.equal(said.length, messages, `${mode}: ${roles}`);
    }
  });
}

/** One provider per fault, so that what one does is not counted against another; short clocks, so that stalls end. */
function configFor(dialect: WireDialect, baseUrl: string): string {
  const provider = (name: string): string =>
    `[providers.${name}]\napi = "${dialect}"\nbase_url = "${baseUrl}"\napi_key = "test-key-0123456789"\nmodel = "good"\n` +
    'headers_timeout = "1s"\nfirst_output_timeout = "1s"\nidle_timeout = "1s"\n';
  return `[providers]\ndefault = "p"\n${['p', ...faultModes.map((mode) => `f${mode}`)].map(provider).join('\n')}`;
}
