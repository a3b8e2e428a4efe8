import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Store } from '../../../../src/core/ports/store.ts';
import type { OpenEmpty } from '../conformance.ts';
import { answered, claim, finish, inboundRow, noon, reply } from '../rows.ts';

const key = 'api:owner:main';
const mine = { key, owner: 'owner' };
const wide = { limit: 10, scan: 100 };

async function talk(store: Store, ...texts: string[]): Promise<void> {
  for (const text of texts) await answered(store, `m-${text}`, { text, receivedAt: noon });
}
const hitsOf = async (store: Store, words: string[], options: Parameters<Store['searchHistory']>[2] = wide) =>
  (await store.searchHistory(mine, words, options)).hits.map(({ text }) => text);

export function historyConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: the history of a session`, () => {
    test('figures, trimming and searching know only the session of its owner, or of a group', async (t) => {
      const store = await openEmpty(t);
      await talk(store, 'tea');
      await answered(store, 'other', { sessionKey: 'telegram:main:-1', text: 'tea of the group' });
      const theirs = { key, owner: 'ben' };
      assert.equal(await store.historyFigures(theirs), null);
      assert.equal(await store.trimHistory(theirs, 0), 0);
      assert.deepEqual(await store.searchHistory(theirs, ['tea'], wide), { hits: [], next: null });
      assert.deepEqual(await store.historyFigures(mine), { kept: 2, seen: 2, since: noon });
      assert.deepEqual(await hitsOf(store, ['tea']), ['tea']);
      const group = await store.searchHistory({ key: 'telegram:main:-1', owner: null }, ['tea'], wide);
      assert.deepEqual(
        group.hits.map(({ text }) => text),
        ['tea of the group'],
      );
      assert.equal(await store.historyFigures({ key: 'nowhere', owner: null }), null);
    });

    test('a trimmed history is out of sight of models and searches, and stays stored', async (t) => {
      const store = await openEmpty(t);
      await talk(store, 'one', 'two', 'three');
      assert.equal(await store.trimHistory(mine, 2), 4);
      assert.deepEqual(await store.historyFigures(mine), { kept: 6, seen: 2, since: noon });
      assert.deepEqual(await hitsOf(store, ['two']), []);
      assert.deepEqual(await hitsOf(store, ['three']), ['three']);
      assert.equal((await store.listMessages(key, { limit: 10 })).items.length, 6);
      assert.equal(await store.trimHistory(mine, 5), 0, 'what is out of sight does not come back');
      assert.equal((await store.historyFigures(mine))?.seen, 2);
    });

    test('a summary of what was trimmed is not read any more, and of nothing it stays', async (t) => {
      const store = await openEmpty(t);
      await talk(store, 'one', 'two', 'three');
      await store.saveSummary(key, { seq: 4, text: 'they said one and two', outside: null, at: noon });
      const summary = async () => {
        await store.commitInbound([inboundRow(`q${await store.counts(0).then((c) => c.messagesToday)}`)]);
        const claimed = await claim(store);
        await store.finishRun(finish(claimed?.run.id ?? '', { messages: [], replyId: null }));
        return claimed;
      };
      assert.equal(await store.trimHistory(mine, 100), 0);
      assert.equal((await summary())?.summary?.text, 'they said one and two');
      assert.equal(await store.trimHistory(mine, 4), 3);
      const after = await summary();
      assert.equal(after?.summary, null);
      assert.equal(after?.history[0]?.seq, 4);
    });

    test('the question at work stays in sight, whatever is trimmed', async (t) => {
      const store = await openEmpty(t);
      await talk(store, 'one');
      await store.commitInbound([inboundRow('now')]);
      const claimed = await claim(store);
      assert.equal(await store.trimHistory(mine, 0), 2);
      assert.equal(await store.trimHistory(mine, 0), 0);
      await store.releaseRun(claimed?.run.id ?? '');
      const again = await claim(store);
      assert.deepEqual(
        again?.history.map(({ id }) => id),
        ['now'],
      );
      await store.finishRun(finish(claimed?.run.id ?? '', { messages: [reply('r')] }));
      assert.equal((await store.historyFigures(mine))?.seen, 2);
    });

    test('a search finds all words in any case, newest first, and goes on where it stopped', async (t) => {
      const store = await openEmpty(t);
      await talk(store, 'Grüner Tee', 'schwarzer TEE', 'Kaffee');
      assert.deepEqual(await hitsOf(store, ['tee']), ['schwarzer TEE', 'Grüner Tee']);
      assert.deepEqual(await hitsOf(store, ['tee', 'gruner']), ['Grüner Tee']);
      assert.deepEqual(await hitsOf(store, []), []);
      const page = await store.searchHistory(mine, ['tee'], { limit: 1, scan: 100 });
      assert.equal(page.hits.length, 1);
      const rest = await store.searchHistory(mine, ['tee'], { ...wide, before: page.next ?? 0 });
      assert.deepEqual(
        rest.hits.map(({ text }) => text),
        ['Grüner Tee'],
      );
      const short = await store.searchHistory(mine, ['gruner'], { limit: 5, scan: 3 });
      assert.deepEqual([short.hits, short.next], [[], 4], 'no more is read than was said');
    });

    test('of very long messages fewer are read at a time, and none is skipped', async (t) => {
      const store = await openEmpty(t);
      const long = 'x '.repeat(50_000);
      await talk(store, 'needle one', `${long}needle two`, `${long}three`, `${long}four`, `${long}five`);
      const page = await store.searchHistory(mine, ['needle'], wide);
      assert.deepEqual([page.hits.length, page.next], [0, 5]);
      const rest = await store.searchHistory(mine, ['needle'], { ...wide, before: page.next ?? 0 });
      assert.deepEqual(
        rest.hits.map(({ seq }) => seq),
        [3, 1],
      );
      assert.equal(rest.next, null);
    });

    test('who wrote it and where it comes from stand beside what was found; the words of tools are not searched', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('q', { text: 'tea' })]);
      const claimed = await claim(store);
      const tool = {
        id: 't',
        role: 'tool',
        parts: [{ type: 'tool_result', callId: 'c', name: 'n', text: 'tea', isError: false }],
        author: null,
        time: noon,
      } as const;
      const said = { ...reply('r'), parts: [{ type: 'text', text: 'tea', outside: 'forwarded' }] as const };
      await store.finishRun(
        finish(claimed?.run.id ?? '', {
          messages: [
            { ...tool, parts: [...tool.parts] },
            { ...said, parts: [...said.parts] },
          ],
        }),
      );
      const { hits } = await store.searchHistory(mine, ['tea'], wide);
      assert.deepEqual(
        hits.map(({ role, outside, by }) => [role, outside, by]),
        [
          ['assistant', 'forwarded', null],
          ['user', null, null],
        ],
      );
    });
  });
}
