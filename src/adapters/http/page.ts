/**
 * The page at `/` until there is a dashboard: what runs, how to talk to it, where the token is. Static text and one
 * script that reads /ready; it knows no secret and asks for none. Kept as text so that the built daemon needs no files.
 */
export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
} as const;

export const pageHtml = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Open Clanker</title>
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/page.js" defer></script>
</head>
<body>
<main>
<h1>Open Clanker</h1>
<p id="state" role="status">Asking the gateway how it does&hellip;</p>
<ul id="warnings"></ul>
<h2>Talk to it</h2>
<p>In a terminal on this machine:</p>
<pre>npx open-clanker chat</pre>
<p>With curl:</p>
<pre id="curl">curl -s /api/v1/chat -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"text":"hello"}'</pre>
<p>Every route is described in <a href="/openapi.json">openapi.json</a>; the WebSocket is at <code>/ws</code>.</p>
<h2>The token</h2>
<p>The operator token stands in the file <code>token</code> in the data directory of the user who runs the gateway
(<code>~/.local/share/open-clanker/token</code> unless configured otherwise). Make further ones with
<code>npx open-clanker tokens create --name NAME --scopes send</code>.</p>
<h2>More</h2>
<p><code>npx open-clanker status</code> shows channels and models; <code>npx open-clanker doctor</code> finds what is wrong.</p>
</main>
</body>
</html>
`;

export const pageCss = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
pre { padding: .75rem 1rem; overflow-x: auto; border: 1px solid; border-radius: .4rem; }
#state { font-weight: 600; }
`;

export const pageScript = `'use strict';
const state = document.getElementById('state');
const warnings = document.getElementById('warnings');
const curl = document.getElementById('curl');
curl.textContent = curl.textContent.replace('/api', location.origin + '/api');

async function refresh() {
  try {
    const answer = await fetch('/ready', { cache: 'no-store' });
    const ready = await answer.json();
    const minutes = Math.floor(ready.uptimeMs / 60000);
    state.textContent = ready.ready
      ? 'Ready. Up for ' + minutes + ' min.'
      : 'Not ready: ' + ready.failing.join(', ') + '. The log and "open-clanker doctor" say why.';
    warnings.replaceChildren(...ready.warnings.map((text) => {
      const item = document.createElement('li');
      item.textContent = text;
      return item;
    }));
  } catch {
    state.textContent = 'The gateway does not answer.';
  }
}
refresh();
setInterval(refresh, 10000);
`;
