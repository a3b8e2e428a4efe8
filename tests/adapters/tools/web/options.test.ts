import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issuesOfText, loadText } from '../../../config/support.ts';

const clientOf = (t: Parameters<typeof loadText>[0], line: string) =>
  loadText(t, `[tools.http_client]\n${line}`).config.tools.http_client;

test('without a word there is http_request with its limits, and no search', (t) => {
  const { http_client: client, web_search: search } = loadText(t, '').config.tools;
  assert.deepEqual(client, {
    enabled: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    timeout: 15_000,
    max_bytes: 2_000_000,
    ports: [],
    allow_hosts: [],
    deny_hosts: [],
    allow_private: [],
  });
  assert.deepEqual(search, { results: 6 });
});

test('hosts and ports stand as they are compared', (t) => {
  assert.deepEqual(clientOf(t, 'ports = [8443, "8080"]').ports, ['8443', '8080']);
  const hosts = ['example.com', '*.example.com', 'xn--bcher-kva.example.com', '10.0.0.1'];
  assert.deepEqual(clientOf(t, `deny_hosts = ${JSON.stringify(hosts)}`).deny_hosts, hosts);
  const private_ = ['192.168.1.5:8080', 'nas.local:80', '[fd12::5]:8080'];
  assert.deepEqual(clientOf(t, `allow_private = ${JSON.stringify(private_)}`).allow_private, private_);
  for (const line of [
    'ports = [0]',
    'ports = [65536]',
    'ports = ["80-90"]',
    'methods = ["TRACE"]',
    'max_bytes = "1GB"',
    'deny_hosts = ["https://example.com"]',
    'deny_hosts = ["Example.com"]',
    'deny_hosts = ["example.com:81"]',
    'deny_hosts = ["bücher.example.com"]',
    'deny_hosts = ["0x7f.1"]',
    'allow_hosts = ["exa*mple.com"]',
    'allow_private = ["192.168.1.5"]',
    'allow_private = ["192.168.1.0/24:80"]',
    'allow_private = ["0x7f.1:80"]',
    'allow_private = ["NAS.local:80"]',
    'allow_private = ["user@nas.local:80"]',
    'allow_private = ["*:80"]',
    'allow_private = ["fd12::5:8080"]',
  ])
    assert.equal(issuesOfText(t, `[tools.http_client]\n${line}`).length, 1, line);
});

test('a search provider has what it needs', (t) => {
  const issue = (lines: string): string | undefined => issuesOfText(t, `[tools.web_search]\n${lines}`)[0]?.key;
  assert.equal(issue('provider = "brave"'), 'tools.web_search.api_key');
  assert.equal(issue('provider = "tavily"'), 'tools.web_search.api_key');
  assert.equal(issue('provider = "searxng"'), 'tools.web_search.base_url');
  assert.equal(issue('provider = "yahoo"'), 'tools.web_search.provider');
  assert.equal(issue('provider = "searxng"\nbase_url = "http://169.254.169.254"'), 'tools.web_search.base_url');
  assert.equal(issue('provider = "searxng"\nbase_url = "http://192.168.1.5:8888"'), undefined);
  assert.equal(issue('provider = "brave"\napi_key = "BSA-1234567890"'), undefined);
});
