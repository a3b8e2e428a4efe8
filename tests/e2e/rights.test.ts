/** The built daemon and two people: what is one's is told to them alone, and when one is erased no byte of them is left. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCli } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { newMarker } from '../support/mock-openai.ts';
import { ask as askRaw } from '../support/raw.ts';
import { Rig } from './proofs/rig.ts';

const [anna, ben] = [1001, 1002];
const group = -100_500;
const patienceMs = 60_000;

interface Person {
  id: string;
  name: string;
}

describe('the rights of two people', () => {
  const marks = { anna: newMarker(), ben: newMarker() };
  const names = { anna: `Anna ${marks.anna}`, ben: `Ben ${marks.ben}` };
  let rig: Rig;
  let people: { anna: string; ben: string };
  let annasToken: string;
  let ofBen: string;

  before(async () => {
    rig = await Rig.open({ telegram: `allowed_chat_ids = [${group}]\ngroup_policy = "always"` });
    await rig.start();
  });
  after(() => rig.close());

  const api = async <T>(method: 'GET' | 'POST', route: string, body?: unknown, token?: string): Promise<T> => {
    const answer = await ask<T>(token === undefined ? rig.target : { ...rig.target, token }, method, route, body);
    assert.ok(answer.status < 300, `${method} ${route}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const says = async (chatId: number, who: 'anna' | 'ben', text: string): Promise<void> => {
    const seen = rig.telegram.messages(chatId).length;
    const fromId = { anna, ben }[who];
    rig.telegram.inject({ chatId, fromId, fromName: names[who], text: `${text} ${marks[who]}` });
    await rig.telegram.until(() => rig.telegram.messages(chatId).length > seen);
    await rig.settle();
  };
  const exported = async (person: string): Promise<string> => {
    const { stdout, stderr, code } = await runCli(
      { dir: rig.dir, env: rig.cliEnv },
      'people',
      'export',
      person,
      '--to',
      '-',
    );
    assert.equal(code, 0, stderr);
    return stdout;
  };
  /** Every file of the data directory that holds the text. */
  const holding = (text: string): string[] => {
    const folder = path.join(rig.dir, 'data');
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(text));
  };

  it('an export holds all that one of them said, wrote down and uploaded, and nothing of the other', async () => {
    for (const round of [1, 2]) {
      await says(anna, 'anna', `my secret ${round}`);
      await says(ben, 'ben', `my secret ${round}`);
      await says(group, 'anna', `hello all ${round}`);
      await says(group, 'ben', `hello you ${round}`);
    }
    const found = (await api<{ people: Person[] }>('GET', '/api/v1/people')).people;
    const idOf = (name: string): string => found.find((person) => person.name === name)?.id ?? '';
    people = { anna: idOf(names.anna), ben: idOf(names.ben) };
    annasToken = (
      await api<{ token: string }>('POST', '/api/v1/tokens', {
        name: `of ${marks.anna}`,
        scopes: ['manage'],
        person: people.anna,
      })
    ).token;
    const upload = await askRaw(
      { host: '127.0.0.1', port: Number(new URL(rig.target.url).port) },
      {
        method: 'POST',
        path: '/api/v1/files',
        token: annasToken,
        body: `a file of ${marks.anna}`,
        headers: { 'content-type': 'text/plain' },
      },
    );
    assert.equal(upload.status, 201, upload.text);
    const attachments = [{ id: String(upload.json?.['id']) }];
    await api('POST', '/api/v1/chat', { text: `by another way ${marks.anna}`, attachments }, annasToken);
    for (const who of ['anna', 'ben'] as const) {
      const folder = path.join(rig.dir, 'data/people', people[who], 'files/letters');
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'home.txt'), `a letter of ${marks[who]}`);
    }
    await api('POST', '/api/v1/notes', { title: 'cat', text: `Its name is ${marks.anna}` }, annasToken);
    await rig.settle();
    const ofAnna = await exported(people.anna);
    ofBen = await exported(people.ben);
    for (const table of [
      'people',
      'identities',
      'sessions',
      'messages',
      'inbox',
      'outbox',
      'runs',
      'files',
      'tokens',
      'notes',
    ]) {
      assert.ok(ofAnna.includes(`{"table":"${table}",`), table);
    }
    assert.ok(ofAnna.includes(Buffer.from(`a file of ${marks.anna}`).toString('base64')));
    assert.ok(ofAnna.includes(Buffer.from(`a letter of ${marks.anna}`).toString('base64')));
    assert.ok(ofAnna.includes('hello all 2'), 'what she said in the group');
    assert.ok(!ofAnna.includes(marks.ben) && !ofAnna.includes(people.ben));
    assert.ok(!ofBen.includes(marks.anna) && !ofBen.includes(people.anna));
  });

  it('each may export herself, and nobody but an operator may erase', async () => {
    const path = (person: string, verb: string): string => `/api/v1/people/${person}/${verb}`;
    const asAnna = { ...rig.target, token: annasToken };
    assert.equal((await ask(asAnna, 'GET', path(people.ben, 'export'))).status, 404);
    assert.equal((await ask(asAnna, 'POST', path(people.anna, 'erase'))).status, 403);
    assert.equal((await ask(rig.target, 'POST', path('owner', 'erase'))).status, 409);
    assert.equal((await ask(rig.target, 'POST', path('per_nobody', 'erase'))).status, 404);
    assert.equal((await ask(asAnna, 'GET', '/api/v1/audit')).status, 403);
  });

  it('killed in the middle of an erasure, it goes on after the restart until no byte is left', async () => {
    await rig.stop();
    const doomed = await rig.start({ env: { OPEN_CLANKER_CRASH_AT: 'erasing' } });
    assert.ok(holding(marks.anna).length > 0);
    const asked = ask(rig.target, 'POST', `/api/v1/people/${people.anna}/erase`).catch(() => null);
    assert.equal((await doomed.exit).signal, 'SIGKILL');
    await asked;
    assert.ok(holding(marks.anna).length > 0, 'it was killed before the end');
    await rig.start();
    let receipts: { person: string; removed: Record<string, number>; digest: string }[] = [];
    for (let waited = 0; receipts.length === 0 && waited < patienceMs; waited += 50) {
      await pause(50);
      receipts = (await api<{ erasures: typeof receipts }>('GET', '/api/v1/erasures')).erasures;
    }
    const [receipt] = receipts;
    assert.equal(receipt?.person, people.anna);
    assert.equal(receipt?.removed['files'], 1);
    assert.ok((receipt?.removed['inbox'] ?? 0) >= 5, JSON.stringify(receipt));
    assert.deepEqual(holding(marks.anna), []);
  });

  it('the other one has lost nothing, and the group still reads', async () => {
    assert.ok((await exported(people.ben)) === ofBen, 'the export of the other changed');
    const key = `telegram:main:${group}`;
    const { messages } = await api<{ messages: { role: string; text: string }[] }>(
      'GET',
      `/api/v1/sessions/${key}/messages`,
    );
    assert.deepEqual(
      messages.map(({ role }) => role),
      Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? 'user' : 'assistant')),
    );
    assert.equal(messages.filter(({ text }) => text === '[erased]').length, 4);
    assert.equal(messages.filter(({ text }) => text.includes(marks.ben)).length, 4);
  });

  it('the audit log tells who erased whom, its chain is whole, and her token opens nothing', async () => {
    const { audit } = await api<{ audit: { action: string; subject: string; actor: { id: string } }[] }>(
      'GET',
      '/api/v1/audit',
    );
    assert.deepEqual(
      [audit[0]?.action, audit[0]?.subject, audit[0]?.actor.id],
      ['person.exported', people.ben, 'operator'],
    );
    const erased = audit.find(({ action }) => action === 'person.erased');
    assert.deepEqual([erased?.subject, erased?.actor.id], [people.anna, 'operator']);
    assert.ok(audit.some(({ action }) => action === 'token.created'));
    assert.equal((await api<{ ok: boolean }>('GET', '/api/v1/audit/verify')).ok, true);
    assert.equal((await ask({ ...rig.target, token: annasToken }, 'GET', '/api/v1/sessions')).status, 401);
    const again = await ask<{ digest: string }>(rig.target, 'POST', `/api/v1/people/${people.anna}/erase`);
    assert.equal(again.status, 200);
  });

  it('a session goes out to a file, comes in as another one, and goes on there', async () => {
    const cli = (...line: string[]) => runCli({ dir: rig.dir, env: rig.cliEnv }, ...line);
    const out = await cli('sessions', 'export', `telegram:main:${ben}`);
    assert.equal(out.code, 0, out.stderr);
    writeFileSync(path.join(rig.dir, 'ben.jsonl'), out.stdout);
    const brought = await cli('sessions', 'import', 'ben.jsonl', '--session', 'copy');
    assert.equal(brought.stdout, '4 messages are in the session api:owner:copy.\n', brought.stderr);
    assert.match((await cli('sessions', 'import', 'ben.jsonl', '--session', 'copy')).stderr, /choose another name/);
    const shown = await cli('sessions', 'show', 'copy');
    assert.ok(shown.stdout.includes(`my secret 2 ${marks.ben}`));
    await api('POST', '/api/v1/chat', { text: 'and on it goes', session: 'copy' });
    const { messages } = await api<{ messages: unknown[] }>('GET', '/api/v1/sessions/copy/messages');
    assert.equal(messages.length, 6);
  });

  it('who writes again is somebody new', async () => {
    await says(anna, 'anna', 'hello, do you know me?');
    const found = (await api<{ people: Person[] }>('GET', '/api/v1/people')).people;
    assert.ok(!found.some(({ id }) => id === people.anna));
    const { code, stdout } = await runCli(
      { dir: rig.dir, env: rig.cliEnv },
      'people',
      'erase',
      found.find(({ name }) => name === names.anna)?.id ?? '',
      '--yes',
    );
    assert.equal(code, 0);
    assert.match(stdout, /was erased/);
    assert.deepEqual(holding(marks.anna), []);
    assert.ok((await exported(people.ben)) === ofBen, 'the export of the other changed');
  });
});
