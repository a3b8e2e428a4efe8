import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { searchWords } from '../../../../src/core/notes.ts';
import type { NoteToSave } from '../../../../src/core/ports/notes-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import type { OpenEmpty } from '../conformance.ts';
import { chat, noon } from '../rows.ts';

let ids = 0;
const noteOf = (owner: string, title: string, text: string, more: Partial<NoteToSave> = {}): NoteToSave => ({
  id: `note_${++ids}`,
  owner,
  title,
  text,
  metadata: null,
  source: 'token:t1',
  outside: null,
  at: noon,
  ...more,
});

const save = (store: Store, ...note: Parameters<typeof noteOf>) =>
  store.saveNote(noteOf(...note), { notes: 1000, bytes: 1e6 });
const titles = ({ items }: { items: { title: string }[] }): string[] => items.map(({ title }) => title);
const first = { limit: 20 };

export function notesConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: notes`, () => {
    test('a note of the same title in another case is replaced; it keeps its id, its beginning and what was not said', async (t) => {
      const store = await openEmpty(t);
      const made = await save(store, 'ann', 'Straße', 'one', { metadata: { a: [1] }, expiresAt: noon + 1000 });
      assert.equal(made?.created, true);
      const again = await save(store, 'ann', 'STRASSE', 'two', { at: noon + 5, outside: 'web page' });
      assert.equal(again?.created, false);
      assert.deepEqual(again?.note, {
        ...made?.note,
        title: 'STRASSE',
        text: 'two',
        outside: 'web page',
        updatedAt: noon + 5,
      });
      const found = await store.note('ann', { title: 'straSSe' }, noon);
      assert.deepEqual(found, { note: again?.note, suggestions: [] });
      await save(store, 'ann', 'straße', 'three', { metadata: {}, expiresAt: null });
      const { note } = await store.note('ann', { id: made?.note.id ?? '' }, noon + 9e9);
      assert.deepEqual([note?.text, note?.metadata, note?.expiresAt], ['three', {}, null]);
    });

    test('a title that is not there comes with those that may have been meant', async (t) => {
      const store = await openEmpty(t);
      for (const title of ['Shopping list', 'Wifi password', 'Flight to Lisbon']) await save(store, 'ann', title, 'x');
      const { note, suggestions } = await store.note('ann', { title: 'shoping lst' }, noon);
      assert.deepEqual([note, suggestions], [null, ['Shopping list']]);
      assert.deepEqual((await store.note('ann', { id: 'note_none' }, noon)).suggestions, []);
    });

    test('no more notes than allowed; replacing one is no new one, and an expired one does not count', async (t) => {
      const store = await openEmpty(t);
      const put = (title: string, more: Partial<NoteToSave> = {}) =>
        store.saveNote(noteOf('ann', title, 'x', more), { notes: 2, bytes: 100 });
      assert.ok(await put('a'));
      assert.ok(await put('b', { expiresAt: noon + 10 }));
      assert.equal(await put('c'), null);
      assert.equal((await put('A'))?.created, false);
      assert.ok(await store.saveNote(noteOf('ben', 'c', 'x'), { notes: 2, bytes: 100 }));
      assert.equal((await put('b', { at: noon + 10 }))?.created, true, 'what has expired is another note');
      assert.equal(await put('c', { at: noon + 10 }), null);
    });

    test('all texts of a person together have a bound, in which a replaced one does not count', async (t) => {
      const store = await openEmpty(t);
      const put = (owner: string, title: string, text: string) =>
        store.saveNote(noteOf(owner, title, text), { notes: 10, bytes: 8 });
      assert.ok(await put('ann', 'a', 'äöü'));
      assert.equal(await put('ann', 'b', 'xyz'), null);
      assert.ok(await put('ann', 'b', 'xy'));
      assert.ok(await put('ann', 'A', 'abcdef'));
      assert.equal(await put('ann', 'a', 'abcdefg'), null);
      assert.ok(await put('ben', 'a', 'abcdefgh'));
    });

    test('an expired note is gone at once everywhere, and housekeeping removes it', async (t) => {
      const store = await openEmpty(t);
      const kept = await save(store, 'ann', 'tea', 'green');
      const gone = await save(store, 'ann', 'tea pot', 'green', { expiresAt: noon + 10 });
      const id = gone?.note.id ?? '';
      assert.equal((await store.note('ann', { id }, noon + 9)).note?.id, id);
      assert.deepEqual(await store.note('ann', { id }, noon + 10), { note: null, suggestions: [] });
      assert.deepEqual(await store.note('ann', { title: 'tea pot' }, noon + 10), { note: null, suggestions: ['tea'] });
      assert.deepEqual(titles(await store.searchNotes('ann', ['green'], noon + 10, first)), ['tea']);
      assert.deepEqual(titles(await store.listNotes('ann', noon + 10, first)), ['tea']);
      const limits = { keysBefore: 0, refusedBefore: 0, sessionsBefore: null, maxMessages: null, batch: 5 };
      await store.maintain({ ...limits, at: noon + 9 });
      assert.equal((await store.note('ann', { id }, noon)).note?.id, id);
      await store.maintain({ ...limits, at: noon + 10 });
      assert.equal((await store.note('ann', { id }, noon)).note, null);
      assert.deepEqual(await store.deleteNotes('ann'), 1);
      assert.deepEqual((await store.note('ann', { id: kept?.note.id ?? '' }, noon)).note, null);
    });

    test('a search ranks notes with more words first, titles before texts, and looks past case and accents', async (t) => {
      const store = await openEmpty(t);
      await save(store, 'ann', 'Guest wifi', 'the password is on the fridge');
      await save(store, 'ann', 'Passwords', 'see the vault');
      await save(store, 'ann', 'Café', 'Ünder the bridge, ask for the wifi');
      await save(store, 'ann', 'Milk', 'and eggs');
      const search = async (query: string) => titles(await store.searchNotes('ann', searchWords(query), noon, first));
      assert.deepEqual(await search('wifi PASSWORD'), ['Guest wifi', 'Passwords', 'Café']);
      assert.deepEqual(await search('cafe'), ['Café']);
      assert.deepEqual(await search('under'), ['Café']);
      assert.deepEqual(await search('ridge'), ['Guest wifi', 'Café'].toReversed());
      assert.deepEqual(await search('nothing'), []);
      assert.deepEqual(await search('%'), []);
      assert.deepEqual(await search(`" NEAR/9 -- *`), []);
    });

    test('pages follow each other without holes or repeats, in lists and searches', async (t) => {
      const store = await openEmpty(t);
      for (let i = 0; i < 7; i++) await save(store, 'ann', `note ${i}`, 'word', { at: noon + (i % 3) });
      const seen = async (read: (cursor?: string) => ReturnType<Store['listNotes']>): Promise<string[]> => {
        const all: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await read(cursor);
          assert.ok(page.items.length <= 3);
          all.push(...titles(page));
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        return all;
      };
      const page = (cursor?: string) => ({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      const order = [5, 2, 4, 1, 6, 3, 0].map((i) => `note ${i}`);
      assert.deepEqual(await seen((cursor) => store.listNotes('ann', noon, page(cursor))), order);
      assert.deepEqual(await seen((cursor) => store.searchNotes('ann', ['word'], noon, page(cursor))), order);
      const listed = await store.listNotes('ann', noon, page());
      const searched = await store.searchNotes('ann', ['word'], noon, page());
      for (const cursor of ['x', searched.nextCursor ?? '', Buffer.from('["a","b"]').toString('base64url')]) {
        await assert.rejects(store.listNotes('ann', noon, page(cursor)), { code: 'bad_cursor' });
      }
      const wrong = Buffer.from('["a"]').toString('base64url');
      await assert.rejects(store.searchNotes('ann', ['word'], noon, page(wrong)), { code: 'bad_cursor' });
      assert.deepEqual(titles(await store.listNotes('ben', noon, page(listed.nextCursor ?? ''))), []);
    });

    test('nothing of one person is found, changed, counted or deleted in the name of another', async (t) => {
      const store = await openEmpty(t);
      const mine = await save(store, 'ann', 'Secret', 'the cat is called Mia', { metadata: { k: 1 } });
      const id = mine?.note.id ?? '';
      assert.deepEqual(await store.note('ben', { id }, noon), { note: null, suggestions: [] });
      assert.deepEqual(await store.note('ben', { title: 'Secret' }, noon), { note: null, suggestions: [] });
      assert.deepEqual(await store.note('ben', { title: 'Secrets' }, noon), { note: null, suggestions: [] });
      assert.deepEqual((await store.searchNotes('ben', ['mia', 'secret'], noon, first)).items, []);
      assert.deepEqual((await store.listNotes('ben', noon, first)).items, []);
      assert.equal(await store.deleteNote('ben', id), false);
      assert.equal(await store.deleteNotes('ben'), 0);
      await save(store, 'ben', 'secret', 'of ben');
      assert.deepEqual((await store.note('ann', { title: 'secret' }, noon)).note, mine?.note);
      await assert.rejects(save(store, 'ben', 'other', 'x', { id }), 'an id is never taken over');
      assert.equal(await store.deleteNote('ann', id), true);
      assert.deepEqual(titles(await store.listNotes('ben', noon, first)), ['secret']);
    });

    test('notes go along when an identity becomes another person, and none is lost to an equal title', async (t) => {
      const store = await openEmpty(t);
      const person = (id: string) => ({ id, name: id, role: 'member', language: null, createdAt: noon }) as const;
      const at = (native: string) => ({ channel: 'telegram', account: 'main', native });
      await store.ensureIdentity({ ...at('1'), display: 'Ann' }, person('ann'));
      await store.ensureIdentity({ ...at('2'), display: 'Ann' }, person('guest'));
      await save(store, 'ann', 'Tea', 'black');
      await save(store, 'guest', 'tea', 'green', { id: 'note_g' });
      await save(store, 'guest', 'Milk', 'oat');
      await store.offerLink({
        id: 'pair_1',
        kind: 'link',
        hash: 'h',
        identity: at('1'),
        display: 'Ann',
        conversation: chat('1'),
        language: null,
        person: 'ann',
        createdAt: noon,
        expiresAt: noon + 1000,
      });
      const linked = await store.redeemLink({
        hash: 'h',
        identity: at('2'),
        display: 'Ann',
        conversation: chat('2'),
        admit: false,
        at: noon,
        maxWrongUses: 3,
        tell: [],
      });
      assert.equal(linked.outcome, 'linked');
      assert.deepEqual(titles(await store.listNotes('ann', noon, first)).sort(), ['Milk', 'Tea', 'tea note_g']);
      assert.deepEqual(titles(await store.listNotes('guest', noon, first)), []);
    });
  });
}
