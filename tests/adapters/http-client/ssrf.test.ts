/** The guard against requests to the private network (rows S-01 to S-30): a canary on loopback stands for it. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createPublicHttpClient } from '../../../src/adapters/http-client/public/index.ts';
import { readBody } from '../../../src/core/ports/http-client.ts';
import { openRules, PublicWeb, publicV4, publicV6 } from '../../support/public-web.ts';
import { noMetrics, silentLog } from '../providers/support.ts';
import { confusingUrls, loopbackSpellings, privateAddresses } from '../../support/ssrf.ts';

async function web(t: TestContext, options: ConstructorParameters<typeof PublicWeb>[0] = {}): Promise<PublicWeb> {
  const started = await new PublicWeb(options).start();
  t.after(() => started.stop());
  started.page('/', (_request, response) => response.end('the public site'));
  return started;
}

const refusedByText = ['invalid_url', 'blocked_port', 'blocked_host', 'not_public'];

test('a public site is reached, by name over both families and by address', async (t) => {
  const site = await web(t);
  site.names.set('six.example.com', [publicV6]);
  for (const url of [
    'http://site.example.com/',
    'http://six.example.com/',
    `http://${publicV4}/`,
    `http://[${publicV6}]/`,
  ])
    assert.equal(await site.read(url), 'the public site', url);
  assert.equal(site.canaryHits, 0);
});

test('the canary bites: without the guard it is reached', async (t) => {
  const site = await web(t);
  const socket = site.connect(['127.0.0.1']);
  await new Promise((resolve) => socket.on('data', resolve));
  socket.destroy();
  assert.equal(site.canaryHits, 1);
});

describe('no spelling of a private address is asked', () => {
  test('as the address itself, on any port', async (t) => {
    const site = await web(t);
    const spelled = Object.entries({
      ...loopbackSpellings(site.canaryPort),
      ...privateAddresses,
      ...confusingUrls(site.canaryPort),
    });
    assert.ok(spelled.length >= 75);
    // Open ports, so that it is the address that is refused.
    for (const rules of [openRules, { ...openRules, ports: [site.canaryPort] }]) {
      site.rules = rules;
      for (const [name, url] of spelled) assert.ok(refusedByText.includes(await site.refusal(url)), `${name}: ${url}`);
    }
    assert.deepEqual(site.dialled, []);
    assert.equal(site.canaryHits, 0);
  });

  test('nor over real TCP, where the canary listens at that very port', async (t) => {
    const site = await web(t);
    const rules = { ...openRules, ports: [site.canaryPort] };
    const client = createPublicHttpClient({ rules: () => rules, log: silentLog, metrics: noMetrics });
    for (const [name, url] of Object.entries(loopbackSpellings(site.canaryPort))) {
      const request = { method: 'GET', url, timeoutMs: 2000, maxBytes: 1000, mayReachPrivate: false } as const;
      await assert.rejects(client.request({ ...request, signal: new AbortController().signal }), name);
    }
    assert.equal(site.canaryHits, 0);
  });

  test('as what a name resolves to, alone or among public ones', async (t) => {
    const site = await web(t);
    const leads = ['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '10.1.2.3', '169.254.169.254', 'fd00::1'];
    leads.push('fe80::1', '64:ff9b::a00:1', '2002:7f00:1::', 'fe80::1%eth0', 'nonsense', '');
    for (const address of leads) {
      for (const found of [[address], [publicV4, address], [address, publicV4], [publicV6, publicV4, address]]) {
        site.names.set('rebind.example.com', found);
        assert.equal(await site.refusal('http://rebind.example.com/'), 'not_public', found.join());
      }
    }
    site.names.set('nothing.example.com', []);
    assert.equal(await site.refusal('http://nothing.example.com/'), 'not_public');
    assert.equal(await site.refusal('http://unknown.example.com/'), 'ENOTFOUND');
    assert.deepEqual(site.dialled, []);
  });

  test('as what a name resolves to only after it was judged', async (t) => {
    const site = await web(t);
    let asked = 0;
    site.names.set('rebind.example.com', () => (asked++ === 0 ? [publicV4] : ['127.0.0.1']));
    assert.equal(await site.read('http://rebind.example.com/'), 'the public site');
    assert.equal(asked, 1, 'the name was resolved once, and the connection went to the judged address');
    assert.deepEqual(site.dialled, [publicV4]);
    assert.equal(await site.refusal('http://rebind.example.com/'), 'not_public');
    assert.equal(site.canaryHits, 0);
  });

  test('as where a public site redirects to, at once or after a public hop', async (t) => {
    const site = await web(t);
    let status = 302;
    site.page('/to', (request, response) => {
      const location = Buffer.from(new URL(request.url ?? '', 'http://x').searchParams.get('u') ?? '', 'utf8');
      response.writeHead(status, { location: location.toString('latin1') }).end();
    });
    site.rules = { ...openRules, ports: [site.canaryPort] };
    site.names.set('rebind.example.com', ['127.0.0.1']);
    const targets = {
      ...loopbackSpellings(site.canaryPort),
      ...privateAddresses,
      name: 'http://rebind.example.com/',
      scheme: `//127.0.0.1:${site.canaryPort}/`,
      backslashes: `\\\\127.0.0.1:${site.canaryPort}/`,
      mixed: `/\\127.0.0.1:${site.canaryPort}/`,
      tab: `/\t/127.0.0.1:${site.canaryPort}/`,
    };
    for (status of [301, 302, 303, 307, 308]) {
      for (const [name, target] of Object.entries(targets)) {
        const once = `http://site.example.com/to?u=${encodeURIComponent(target)}`;
        const twice = `http://site.example.com/to?u=${encodeURIComponent(once)}`;
        // A line break cannot stand in a header.
        if (/[\r\n]/.test(target)) continue;
        for (const url of [once, twice]) {
          const code = await site.refusal(url);
          assert.ok(refusedByText.includes(code), `${status} ${name}: ${code}`);
        }
      }
    }
    assert.equal(site.canaryHits, 0);
    assert.ok(site.dialled.every((address) => address === publicV4));
  });

  test('as a host that the operator listed, by anybody but an owner', async (t) => {
    const site = await web(t);
    site.rules = { ...openRules, allowPrivate: [`127.0.0.1:${site.canaryPort}`, 'nas.local:80', 'meta.local:80'] };
    site.names.set('nas.local', ['192.168.1.5']);
    site.names.set('meta.local', ['169.254.169.254']);
    assert.notEqual(await site.refusal(`http://127.0.0.1:${site.canaryPort}/`), 'answered');
    assert.notEqual(await site.refusal('http://nas.local/'), 'answered');
    assert.equal(site.canaryHits, 0);
    const owner = { mayReachPrivate: true };
    assert.equal(await site.read(`http://127.0.0.1:${site.canaryPort}/`, owner), 'canary');
    assert.equal(await site.read('http://nas.local/', owner), 'canary');
    assert.equal(site.canaryHits, 2);
    // Exactly what is listed: no other port, spelling or neighbour, and never where credentials are handed out.
    for (const url of [
      'http://127.0.0.1/',
      `http://127.0.0.2:${site.canaryPort}/`,
      `http://2130706433:${site.canaryPort}/`,
      `http://[::ffff:127.0.0.1]:${site.canaryPort}/`,
      'https://nas.local/',
      'http://meta.local/',
    ])
      assert.notEqual(await site.refusal(url, owner), 'answered', url);
    assert.equal(site.canaryHits, 2);
  });

  test('as a listed host that a public site redirects an owner to', async (t) => {
    const site = await web(t);
    site.rules = { ...openRules, allowPrivate: [`127.0.0.1:${site.canaryPort}`] };
    const location = `http://127.0.0.1:${site.canaryPort}/`;
    site.page('/to', (_request, response) => response.writeHead(302, { location }).end());
    assert.equal(await site.refusal('http://site.example.com/to', { mayReachPrivate: true }), 'blocked_port');
    assert.equal(site.canaryHits, 0);
  });
});

test('a listed name with several addresses is reached over real TCP, by one of those that were judged', async (t) => {
  const site = await web(t);
  const rules = { ...openRules, allowPrivate: [`nas.local:${site.canaryPort}`] };
  const resolvePrivate = (): Promise<string[]> => Promise.resolve(['::1', '127.0.0.1']);
  const client = createPublicHttpClient({ rules: () => rules, resolvePrivate, log: silentLog, metrics: noMetrics });
  const url = `http://nas.local:${site.canaryPort}/`;
  const signal = new AbortController().signal;
  const owner = { method: 'GET', url, timeoutMs: 5000, maxBytes: 1000, mayReachPrivate: true, signal } as const;
  assert.equal(Buffer.from(await readBody(await client.request(owner), 1000)).toString(), 'canary');
  assert.equal(site.canaryHits, 1);
  await assert.rejects(client.request({ ...owner, mayReachPrivate: false }), { code: 'blocked_port' });
});

test('hosts can be allowed and denied', async (t) => {
  const site = await web(t);
  site.names.set('example.com', [publicV4]);
  site.rules = { ...openRules, denyHosts: ['site.example.com'] };
  assert.equal(await site.refusal('http://SITE.example.com./'), 'blocked_host');
  assert.equal(await site.refusal('http://example.com/'), 'answered');
  site.rules = { ...openRules, allowHosts: ['*.example.com'] };
  assert.equal(await site.refusal('http://site.example.com/'), 'answered');
  assert.equal(await site.refusal('http://example.com/'), 'not_allowed');
  assert.equal(await site.refusal('http://badexample.com/'), 'not_allowed');
  site.rules = { ...openRules, ports: [8443] };
  assert.equal(await site.refusal('http://site.example.com:8443/'), 'answered');
});

test('no proxy of the environment is asked', async (t) => {
  const site = await web(t);
  const proxy = `http://127.0.0.1:${site.canaryPort}`;
  const before = { ...process.env };
  Object.assign(process.env, { http_proxy: proxy, HTTP_PROXY: proxy, all_proxy: proxy, NODE_USE_ENV_PROXY: '1' });
  t.after(() => (process.env = before));
  assert.equal(await site.read('http://site.example.com/'), 'the public site');
  assert.equal(site.canaryHits, 0);
});
