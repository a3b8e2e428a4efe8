import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { probeImap, probeSmtp } from '../../../src/cli/doctor/probe-email.ts';
import { valid } from '../../adapters/http-client/certificates.ts';
import { ImapServer } from '../../support/imap-server.ts';
import { SmtpServer } from '../../support/smtp-server.ts';

const login = { user: 'bot@example.org', password: 'correct "horse" \\battery' };
type Tls = 'implicit' | 'starttls' | 'none';

async function servers(t: TestContext, mode: Tls): Promise<{ imap: ImapServer; smtp: SmtpServer }> {
  const options = { ...login, ...(mode === 'none' ? {} : { tls: { ...valid, mode } }) };
  const [imap, smtp] = [await ImapServer.start(options), await SmtpServer.start(options)];
  t.after(() => Promise.all([imap.close(), smtp.close()]));
  return { imap, smtp };
}

const at = (port: number, tls: Tls, host = '127.0.0.1') => ({ host, port, tls });

test('a right password is let in and a wrong one is told, at both servers', async (t) => {
  const { imap, smtp } = await servers(t, 'none');
  assert.equal((await probeImap(at(imap.port, 'none'), login)).outcome, 'ok');
  assert.equal((await probeSmtp(at(smtp.port, 'none'), login)).outcome, 'ok');
  const wrong = { ...login, password: 'wrong' };
  assert.deepEqual(await probeImap(at(imap.port, 'none'), wrong), {
    outcome: 'unauthorized',
    detail: '[AUTHENTICATIONFAILED] Invalid credentials (Failure)',
  });
  const refused = await probeSmtp(at(smtp.port, 'none'), wrong);
  assert.deepEqual(refused, { outcome: 'unauthorized', detail: '535 5.7.8 Username and Password not accepted' });
  smtp.options.auth = false;
  assert.equal((await probeSmtp(at(smtp.port, 'none'), wrong)).outcome, 'ok');
  assert.deepEqual([imap.violations, smtp.violations], [[], []]);
});

test('a certificate nobody vouches for, or none at all, is told before any password is sent', async (t) => {
  for (const mode of ['implicit', 'starttls'] as const) {
    const { imap, smtp } = await servers(t, mode);
    for (const report of [
      await probeImap(at(imap.port, mode, 'localhost'), login),
      await probeSmtp(at(smtp.port, mode, 'localhost'), login),
    ]) {
      assert.equal(report.outcome, 'untrusted', JSON.stringify(report));
    }
    assert.ok(!imap.commands.includes('LOGIN'));
  }
  const { imap, smtp } = await servers(t, 'none');
  assert.match((await probeImap(at(imap.port, 'starttls'), login)).detail, /STARTTLS/);
  assert.match((await probeSmtp(at(smtp.port, 'starttls'), login)).detail, /STARTTLS/);
});

test('a server that is not there or hangs up is unreachable', async (t) => {
  const { imap, smtp } = await servers(t, 'none');
  const { port } = imap;
  smtp.faults.push({ at: 'greeting', cut: 'lost' });
  assert.equal((await probeSmtp(at(smtp.port, 'none'), login)).outcome, 'unreachable');
  smtp.faults.push({ at: 'greeting', reply: '554 no service' });
  assert.deepEqual(await probeSmtp(at(smtp.port, 'none'), login), { outcome: 'failing', detail: '554 no service' });
  await imap.close();
  assert.deepEqual(await probeImap(at(port, 'none'), login), { outcome: 'unreachable', detail: 'ECONNREFUSED' });
});
