import * as z from 'zod/mini';
import { noLongerNeeded } from '../../../core/abort.ts';
import { HttpError } from '../errors.ts';
import { answerRpc, protocolVersions, rpcAnswer, rpcMessage } from '../mcp.ts';
import { json, route } from '../route.ts';
import { failure } from '../schemas/base.ts';

/** Tools of a person for the agents of others; which of them is decided by the scope of the token. */
export const mcpRoutes = [
  route({
    method: 'POST',
    path: '/mcp',
    summary:
      'The Model Context Protocol: notes, conversations and sending as tools, in the name of the token’s person.',
    scope: 'read',
    query: () => z.strictObject({ session: z.exactOptional(z.string()) }),
    body: rpcMessage,
    headers: { 'MCP-Protocol-Version': 'The version that was agreed on.' },
    answers: {
      200: { description: 'The answer, in JSON-RPC.', schema: rpcAnswer },
      202: { description: 'Nothing is to be answered.', type: 'text/plain; charset=utf-8' },
      400: { description: 'No message of JSON-RPC, or of a version that is not spoken here.', schema: failure },
    },
    async handle({ principal, query, body, request, context, onGone }) {
      const version = request.headers['mcp-protocol-version'];
      if (typeof version === 'string' && !protocolVersions.includes(version))
        throw new HttpError(400, 'protocol_version', `MCP-Protocol-Version: one of ${protocolVersions.join(', ')}.`);
      const gone = new AbortController();
      onGone(() => gone.abort(noLongerNeeded));
      const { gateway, version: ours } = context;
      const { session } = query;
      const answer = await answerRpc(body, { gateway, principal, session, version: ours, signal: gone.signal });
      return answer === null ? { status: 202, type: 'text/plain; charset=utf-8', text: '' } : json(answer);
    },
  }),
];
