import * as z from 'zod/mini';
import type { AnswerDoc, Route } from './route.ts';
import { failure, id, sessionKey } from './schemas/base.ts';
import { plainSendFailure, sendFailure } from './schemas/send.ts';

type Json = Record<string, unknown>;

const failureOf = { native: failure, openai: failure, message: sendFailure, 'message-plain': plainSendFailure };

/**
 * JSON Schema 2020-12, as OpenAPI 3.1 takes it; for what is sent to us the form before it is converted. Only what may be
 * any JSON refers to itself, and a reference would be looked for in the whole document: anything is `{}`.
 */
function schemaOf(schema: z.ZodMiniType, io: 'input' | 'output'): Json {
  const { $schema: _, $defs: __, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return JSON.parse(JSON.stringify(rest, (_key, value: Json) => (value?.['$ref'] === undefined ? value : {}))) as Json;
}

function parametersOf({ path, query, headers }: Route): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: schemaOf(name === 'key' ? sessionKey : id, 'input'),
  }));
  const fields = query === undefined ? {} : (schemaOf(query(), 'input')['properties'] as Json);
  const inQuery = Object.entries(fields).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
  const inHeader = Object.entries(headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function answerOf(docs: AnswerDoc | AnswerDoc[]): Json {
  const list = Array.isArray(docs) ? docs : [docs];
  const content = Object.fromEntries(
    list.map(({ schema, type }) => [
      type ?? 'application/json',
      { schema: schema === undefined ? { type: 'string' } : schemaOf(schema(), 'output') },
    ]),
  );
  return { description: list.map(({ description }) => description).join(' Or: '), content };
}

function bodyOf({ body }: Route): Json {
  if (body === undefined) return {};
  const content =
    body === 'raw'
      ? { '*/*': { schema: { type: 'string', format: 'binary' } } }
      : { 'application/json': { schema: schemaOf(body(), 'input') } };
  return { requestBody: { required: true, content } };
}

const operationId = ({ method, path }: Route): string =>
  method.toLowerCase() +
  path.replaceAll(/[{}]/g, '').replaceAll(/(?:^|[/._-])(\w?)/g, (_, c: string) => c.toUpperCase());

function operationOf(route: Route): Json {
  const answers = Object.entries(route.answers).map(([status, docs]) => [status, answerOf(docs)] as const);
  const refusal = { description: 'Refused or failed.', schema: failureOf[route.errorStyle ?? 'native'] };
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.scope === null ? { security: [] } : { 'x-scope': route.scope }),
    parameters: parametersOf(route),
    ...bodyOf(route),
    responses: { ...Object.fromEntries(answers), default: answerOf(refusal) },
  };
}

/** The OpenAPI 3.1 document of a table of routes. Each GET answers HEAD too. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Open Clanker',
      version,
      description: 'Scopes: read < send < manage < admin; each operation names the one it needs as `x-scope`.',
    },
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}
