import { pageCss, pageHeaders, pageHtml, pageScript } from '../page.ts';
import { type Reply, route } from '../route.ts';
import { anyFields } from '../schemas/base.ts';

const fixed = (type: string, text: string) => (): Reply => ({ status: 200, type, text, headers: { ...pageHeaders } });
const html = 'text/html; charset=utf-8';
const css = 'text/css; charset=utf-8';
const script = 'text/javascript; charset=utf-8';

export const pageRoutes = [
  route({
    method: 'GET',
    path: '/',
    summary: 'A page for people.',
    scope: null,
    page: true,
    query: anyFields,
    answers: { 200: { description: 'The page.', type: html } },
    handle: fixed(html, pageHtml),
  }),
  route({
    method: 'GET',
    path: '/admin',
    summary: 'Leads to the page.',
    scope: null,
    page: true,
    query: anyFields,
    answers: { 302: { description: 'To /.', type: html } },
    handle: () => ({ status: 302, type: html, text: '', headers: { Location: '/' } }),
  }),
  route({
    method: 'GET',
    path: '/assets/page.css',
    summary: 'Its style.',
    scope: null,
    answers: { 200: { description: 'CSS.', type: css } },
    handle: fixed(css, pageCss),
  }),
  route({
    method: 'GET',
    path: '/assets/page.js',
    summary: 'Its script.',
    scope: null,
    answers: { 200: { description: 'JavaScript.', type: script } },
    handle: fixed(script, pageScript),
  }),
];
