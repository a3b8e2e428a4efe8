import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { pageReader } from '../../../../src/adapters/tools/web/read-page.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import type { PageReader } from '../../../../src/core/ports/page-reader.ts';
import { PublicWeb } from '../../../support/public-web.ts';

const options = { mayReachPrivate: false, signal: new AbortController().signal };

async function open(t: TestContext): Promise<{ web: PublicWeb; read: PageReader }> {
  const web = await new PublicWeb().start();
  t.after(() => web.stop());
  return { web, read: pageReader({ http: web.client, limits: () => ({ timeoutMs: 10_000, maxBytes: 100_000 }) }) };
}

const failure = async (reading: Promise<unknown>): Promise<{ code: string; retryable: boolean }> => {
  const error = await reading.then(
    () => assert.fail('it was read'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ClankerError, String(error));
  return { code: error.code, retryable: error.retryable };
};

test('a page is what a person would read of it, from where it really came', async (t) => {
  const { web, read } = await open(t);
  web.page('/old', (_, response) => response.writeHead(302, { location: '/new' }).end());
  web.page('/new', (_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<title>Prices</title><script>x</script><p>Bread 3</p><p>Milk 2</p>'),
  );
  assert.deepEqual(await read('http://site.example.com/old', options), {
    title: 'Prices',
    text: 'Bread 3\nMilk 2',
    url: 'http://site.example.com/new',
  });
});

test('no address of the machine or its network is read, nor a name or a redirect that leads there', async (t) => {
  const { web, read } = await open(t);
  web.names.set('inside.example.com', ['127.0.0.1']);
  web.page('/in', (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end());
  for (const url of [
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://inside.example.com/',
    'http://site.example.com/in',
    'file:///etc/passwd',
  ])
    assert.equal((await failure(read(url, options))).retryable, false, url);
  assert.equal(web.canaryHits, 0);
});

test('what waiting may mend is told from what it does not', async (t) => {
  const { web, read } = await open(t);
  web.page('/down', (_, response) => response.writeHead(503).end('later'));
  web.page('/gone', (_, response) => response.writeHead(404).end('never'));
  web.page('/cut', (_, response) => response.destroy());
  web.page('/picture', (_, response) =>
    response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from('89504e470d0a1a0a00', 'hex')),
  );
  web.page('/large', (_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(200_000)),
  );
  const at = (path: string): Promise<{ code: string; retryable: boolean }> =>
    failure(read(`http://site.example.com${path}`, options));
  assert.deepEqual(await at('/down'), { code: 'http_status', retryable: true });
  assert.deepEqual(await at('/gone'), { code: 'http_status', retryable: false });
  assert.equal((await at('/cut')).retryable, true);
  assert.deepEqual(await at('/picture'), { code: 'no_text', retryable: false });
  assert.deepEqual(await at('/large'), { code: 'too_large', retryable: false });
});
