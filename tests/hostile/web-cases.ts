/** What a model can be made to ask for: the tool `http_request` between a public site and a canary for all that is private. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/adapters/system/index.ts';
import { httpRequestTool } from '../../src/adapters/tools/web/http-request.ts';
import { httpClientTable } from '../../src/adapters/tools/web/options.ts';
import type { FileStorage } from '../../src/core/ports/files.ts';
import type { FileRow } from '../../src/core/ports/file-store.ts';
import type { ToolOutput } from '../../src/core/ports/tool.ts';
import { callTool } from '../adapters/tools/web/call.ts';
import { openRules, publicV4, type PublicWeb } from '../support/public-web.ts';
import { confusingUrls, loopbackSpellings, privateAddresses } from '../support/ssrf.ts';
import { hostileCase, type HostileCase } from './case.ts';

/** What the tool says, and the types of the files that it kept. */
async function ask(web: PublicWeb, url: string, timeoutMs = 15_000): Promise<ToolOutput & { kept: string[] }> {
  const kept: string[] = [];
  const files: Pick<FileStorage, 'save' | 'remove'> = {
    async save(_id, body, maxBytes) {
      let size = 0;
      for await (const chunk of body) size += chunk.length;
      assert.ok(size <= maxBytes);
      return { size, sha256: '' };
    },
    remove: () => Promise.resolve(),
  };
  const store = {
    saveFile({ mimeType }: FileRow): Promise<void> {
      kept.push(mimeType);
      return Promise.resolve();
    },
  };
  const deps = { http: web.client, files, store, clock: systemClock, mintId: () => 'file_x' };
  const tool = httpRequestTool({ ...httpClientTable().parse({}), timeout: timeoutMs }, deps);
  return { ...(await callTool(tool, { url })), kept };
}

const refusals = /\((invalid_url|blocked_port|blocked_host|not_public)\)$/;

/** Every URL is refused in words, and nothing reaches the private network. */
async function expectRefused(web: PublicWeb, urls: Readonly<Record<string, string>>): Promise<void> {
  assert.notEqual(Object.keys(urls).length, 0);
  for (const rules of [openRules, { ...openRules, ports: [web.canaryPort] }]) {
    web.rules = rules;
    for (const [name, url] of Object.entries(urls)) {
      const { text, isError } = await ask(web, url);
      assert.ok(isError === true && refusals.test(text), `${name}: ${text}`);
    }
  }
  web.rules = openRules;
  assert.equal(web.canaryHits, 0, 'the private network was reached');
}

const rows = (all: Record<string, string>, from: number, to: number): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all).filter(([name]) => {
      const row = Number(name.slice(2, 4));
      return row >= from && row <= to;
    }),
  );

async function expectStopped(web: PublicWeb, code: string, page: (response: ServerResponse) => void): Promise<void> {
  const gone = Promise.withResolvers<void>();
  web.page('/hostile', (_request, response) => {
    response.on('close', gone.resolve);
    page(response);
  });
  const { text, isError, kept } = await ask(web, 'http://site.example.com/hostile', 1000);
  assert.ok(isError === true && text.endsWith(`(${code})`), text);
  assert.deepEqual(kept, []);
  await gone.promise;
}

export const webCases: readonly HostileCase<PublicWeb>[] = [
  hostileCase('S-01', 'loopback in decimal, octal, hexadecimal, short and by name', (web) =>
    expectRefused(web, rows(loopbackSpellings(web.canaryPort), 1, 12)),
  ),
  hostileCase('S-13', 'loopback in every form of IPv6 that holds an IPv4 address', (web) =>
    expectRefused(web, rows(loopbackSpellings(web.canaryPort), 13, 20)),
  ),
  hostileCase('S-21', 'loopback in enclosed, full-width and ideographic characters', (web) =>
    expectRefused(web, rows(loopbackSpellings(web.canaryPort), 21, 22)),
  ),
  hostileCase('S-23', 'names that resolve to private addresses, alone or among public ones', async (web) => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254', 'fd00::1']) {
      for (const found of [[address], [publicV4, address], [address, publicV4]]) {
        web.names.set('private.example.com', found);
        await expectRefused(web, { name: 'http://private.example.com/' });
      }
    }
  }),
  hostileCase('S-27', 'a name that turns private between two look-ups', async (web) => {
    let asked = 0;
    web.page('/', (_request, response) => response.end('public'));
    web.names.set('rebind.example.com', () => (asked++ % 2 === 0 ? [publicV4] : ['127.0.0.1']));
    assert.match((await ask(web, 'http://rebind.example.com/')).text, /public$/);
    assert.match((await ask(web, 'http://rebind.example.com/')).text, /\(not_public\)$/);
    assert.equal(web.canaryHits, 0);
  }),
  hostileCase('S-28', 'redirects of every kind to every one of them', async (web) => {
    const targets = { ...loopbackSpellings(web.canaryPort), ...privateAddresses };
    for (const status of [301, 302, 303, 307, 308]) {
      for (const [name, target] of Object.entries(targets)) {
        const location = Buffer.from(target).toString('latin1');
        web.page('/to', (_request, response) => response.writeHead(status, { location }).end());
        const { text } = await ask(web, 'http://site.example.com/to');
        assert.match(text, refusals, `${status} to ${name}`);
      }
    }
    assert.equal(web.canaryHits, 0);
  }),
  hostileCase('S-29', 'URLs whose parts are there to be misread, and ports of other services', (web) =>
    expectRefused(web, confusingUrls(web.canaryPort)),
  ),
  hostileCase('S-30', 'metadata, private, reserved and multicast addresses, and other schemes', (web) =>
    expectRefused(web, privateAddresses),
  ),
  hostileCase('S-31', 'a bomb of 200 MB in gzip', (web) => {
    const bomb = gzipSync(Buffer.alloc(200_000_000));
    return expectStopped(web, 'too_large', (response) =>
      response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(bomb),
    );
  }),
  hostileCase('S-31b', 'an endless body in chunks', (web) =>
    expectStopped(web, 'too_large', (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    }),
  ),
  hostileCase('S-31c', 'a byte now and then', (web) =>
    expectStopped(web, 'timed_out', (response) => {
      response.flushHeaders();
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
    }),
  ),
  hostileCase('S-31d', 'ten thousand headers', (web) =>
    expectStopped(web, 'HPE_HEADER_OVERFLOW', ({ socket }) => {
      const flood = Array.from({ length: 10_000 }, (_, i) => `x-${i}: y\r\n`).join('');
      socket?.write(`HTTP/1.1 200 OK\r\n${flood}\r\n`);
    }),
  ),
  hostileCase('S-31e', 'a body shorter than it says', (web) =>
    expectStopped(web, 'ECONNRESET', ({ socket }) => {
      socket?.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9999\r\n\r\nshort');
    }),
  ),
  hostileCase('S-31f', 'types that are not those of the bytes', async (web) => {
    const page = '<!doctype html><script>alert(1)</script><p>text</p>';
    const program = Buffer.from('7f454c4602010100000000000000000000', 'hex');
    for (const [said, body, type] of [
      ['image/png', page, 'text/html'],
      ['text/html', program, 'application/x-executable'],
      ['application/json', program, 'application/x-executable'],
      ['application/pdf', page, 'text/html'],
    ] as const) {
      web.page('/lie', (_request, response) => response.writeHead(200, { 'content-type': said }).end(body));
      const { kept, outside } = await ask(web, 'http://site.example.com/lie');
      assert.deepEqual(kept, [type], `${said} for ${type}`);
      assert.equal(outside, 'web page');
    }
  }),
];
