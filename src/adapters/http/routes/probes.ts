import * as z from 'zod/mini';
import { HttpError } from '../errors.ts';
import { json, type Route, route } from '../route.ts';
import { anyFields } from '../schemas/base.ts';
import { readiness } from '../schemas/status.ts';

const live = () => z.strictObject({ ok: z.literal(true), status: z.literal('live') });

const health = (path: '/health' | '/healthz'): Route =>
  route({
    method: 'GET',
    path,
    summary: 'Whether the process answers.',
    scope: null,
    anyHost: true,
    query: anyFields,
    answers: { 200: { description: 'It does.', schema: live } },
    handle: () => json({ ok: true, status: 'live' }),
  });

const ready = (path: '/ready' | '/readyz'): Route =>
  route({
    method: 'GET',
    path,
    summary: 'Whether messages can be taken and answered. With a token also channels and providers.',
    scope: null,
    anyHost: true,
    query: anyFields,
    answers: {
      200: { description: 'Ready.', schema: readiness },
      503: { description: 'Not ready; `failing` names what is not.', schema: readiness },
    },
    async handle({ principal, context }) {
      const { channels, providers, ...state } = await context.gateway.readiness();
      return {
        status: state.ready ? 200 : 503,
        json: principal === null ? state : { ...state, channels, providers },
        ...(state.ready ? {} : { headers: { 'Retry-After': '1' } }),
      };
    },
  });

export const probeRoutes = [
  health('/health'),
  health('/healthz'),
  ready('/ready'),
  ready('/readyz'),
  route({
    method: 'GET',
    path: '/metrics',
    summary: 'Figures for Prometheus, text format 0.0.4. Needs `read` unless metrics.public is set.',
    scope: null,
    answers: { 200: { description: 'The figures.', type: 'text/plain; version=0.0.4; charset=utf-8' } },
    async handle({ principal, request, address, context }) {
      const { enabled, public: open } = context.options().metrics;
      if (!open && principal === null) await context.authenticator.request(request, address);
      if (!enabled) throw new HttpError(404, 'not_found', 'Metrics are switched off; see metrics.enabled.');
      await context.gateway.refreshFigures();
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: context.metrics.render() };
    },
  }),
];
