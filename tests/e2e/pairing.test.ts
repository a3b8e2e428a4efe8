/** The built daemon and somebody it does not know: a code, an approval from the terminal, an owner in chat. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../support/daemon.ts';
import { newMarker } from '../support/mock-openai.ts';
import { Rig } from './proofs/rig.ts';

const [stranger, operator, guest] = [666_001, 666_002, 666_003];
const codeOf = (text: string): string => /[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(text)?.[0] ?? '';

describe('pairing', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.open({ telegram: 'access = "pairing"' });
    await rig.start();
  });
  after(() => rig.close());

  const cli = (...line: string[]) => runCli({ dir: rig.dir, env: rig.cliEnv }, ...line);
  /** Somebody writes; resolves with the first new message in their chat that fits. */
  const says = async (chatId: number, text: string, fits = /./s): Promise<string> => {
    const seen = rig.telegram.messages(chatId).length;
    const found = () =>
      rig.telegram
        .messages(chatId)
        .slice(seen)
        .find((message) => fits.test(message.text));
    rig.telegram.inject({ chatId, text });
    await rig.telegram.until(() => found() !== undefined);
    return found()?.text ?? '';
  };

  it('a stranger is shown a code, which outlives the gateway and lets them in from the terminal', async () => {
    const secret = newMarker();
    const code = codeOf(await says(stranger, `my secret is ${secret}`));
    await rig.settle();
    await rig.kill();
    const files = ['', '-wal'].map((end) => readFileSync(`${rig.databaseFile}${end}`).toString('latin1')).join('');
    assert.ok(!files.includes(secret), 'what strangers write is not kept');
    await rig.start();
    assert.match((await cli('pairing', 'list')).stdout, new RegExp(`\\(${stranger}\\) on telegram:main`));
    assert.match((await cli('status')).stdout, /Waiting to be let in: 1 /);
    assert.match((await cli('doctor')).stdout, /waits to be let in/);
    const wrong = await cli('pairing', 'approve', 'GGGG-0000');
    assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
    const approved = await cli('pairing', 'approve', code);
    assert.equal(approved.code, 0, approved.stderr);
    await rig.telegram.until(() => rig.telegram.messages(stranger).some(({ text }) => text.includes('You are let in')));
    await says(stranger, 'hello', /\S/);
    assert.match((await cli('pairing', 'approve', code)).stdout, /was let in before/);
  });

  it('the operator becomes the owner in chat by a code from the terminal, and lets the next one in there', async () => {
    const made = await cli('people', 'link', 'owner');
    await says(operator, `/pair ${codeOf(made.stdout)}`, /the same person/);
    assert.match(await says(operator, '/whoami'), /person owner, role owner/);
    const code = codeOf(await says(guest, 'hello'));
    await rig.telegram.until(() =>
      rig.telegram.messages(operator).some(({ text }) => text.includes(`(id ${guest} on telegram:main)`)),
    );
    assert.match(await says(operator, `/pair approve ${code}`, /let in/), /is let in/);
    assert.match(await says(guest, '/whoami', /role/), /role member/);
    const { stdout } = await cli('people', 'show', 'owner');
    assert.match(stdout, new RegExp(`\\(${operator}\\) on telegram:main, let in by approval or code`));
  });

  it('who is turned away again is not answered any more', async () => {
    const { stdout } = await cli('pairing', 'list', '--json');
    const { admitted } = JSON.parse(stdout) as { admitted: { id: string; sender: string }[] };
    const entry = admitted.find(({ sender }) => sender === String(stranger));
    assert.equal((await cli('pairing', 'reject', entry?.id ?? '')).code, 0);
    const before = (await rig.model.report()).calls;
    const { updateId } = rig.telegram.inject({ chatId: stranger, text: 'still there?' });
    await rig.telegram.until(() => rig.telegram.confirmed() > updateId);
    await rig.settle();
    assert.equal((await rig.model.report()).calls, before);
    assert.deepEqual(rig.telegram.violations, []);
  });
});
