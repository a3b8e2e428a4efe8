/** A file from the terminal through the built daemon to Telegram, and what a person attached to the model. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../support/daemon.ts';
import { chats, Rig } from './proofs/rig.ts';

describe('files', () => {
  let rig: Rig;
  const chat = chats[0] ?? 0;
  before(async () => {
    rig = await Rig.open();
    await rig.start();
  });
  after(() => rig.close());

  it('one goes out by `send --file`, with its caption and its bytes, also without words', async () => {
    const file = path.join(rig.dir, 'report.pdf');
    const bytes = Buffer.concat([
      Buffer.from('%PDF-1.7\n'),
      Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 253)),
    ]);
    writeFileSync(file, bytes);
    const send = (...more: string[]) =>
      runCli(
        { dir: rig.dir, env: rig.cliEnv },
        'send',
        '-c',
        'telegram',
        '--channel-id',
        String(chat),
        '--file',
        ...more,
      );
    const { code, stderr } = await send(file, '-m', 'The *report*');
    assert.equal(code, 0, stderr);
    assert.equal((await send(file)).code, 0);
    const carrying = rig.telegram.messages(chat).filter(({ file: sent }) => sent !== null);
    assert.deepEqual(
      carrying.map((message) => [message.text, message.file !== null && bytes.equals(message.file.bytes)]),
      [
        ['The report', true],
        ['', true],
      ],
    );
    const missing = await send(path.join(rig.dir, 'nothing.pdf'));
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
    assert.match(missing.stderr, /cannot be read \(ENOENT\)/);
  });

  it('one that a person attached reaches the model as an image; one that is gone as words', async () => {
    const image = Buffer.from('89504e470d0a1a0a', 'hex');
    rig.telegram.addFile('pic', image);
    const photo = [{ file_id: 'pic', width: 1, height: 1, file_size: image.length }];
    const before = rig.telegram.messages(chat).length;
    rig.telegram.inject({ chatId: chat, text: '', extra: { photo, caption: 'what is this?' } });
    await rig.telegram.until(() => rig.telegram.messages(chat).length > before);
    await rig.settle();
    const body = (await rig.model.report()).lastBody;
    assert.ok(body.includes(image.toString('base64')), 'the bytes went along');
    rig.telegram.inject({
      chatId: chat,
      text: '',
      extra: { document: { file_id: 'gone', file_name: 'gone.txt', mime_type: 'text/plain' }, caption: 'and this?' },
    });
    await rig.telegram.until(() => rig.telegram.messages(chat).length > before + 1);
    await rig.settle();
    assert.match((await rig.model.report()).lastBody, /attached file gone\.txt: it could not be fetched/);
  });
});
