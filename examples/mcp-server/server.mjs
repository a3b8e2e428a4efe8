// A whole MCP server in one file and without a library: it rolls dice and remembers what was rolled.
// It reads one JSON-RPC message a line and answers with one; it ends when its input ends.
import { createInterface } from 'node:readline';

const rolled = [];

const tools = [
  {
    name: 'roll',
    description: 'Roll dice.',
    inputSchema: {
      type: 'object',
      properties: { sides: { type: 'integer', minimum: 2 }, count: { type: 'integer', minimum: 1, maximum: 100 } },
      required: ['sides'],
    },
  },
  {
    name: 'rolls',
    description: 'What was rolled so far.',
    inputSchema: { type: 'object', properties: {} },
    // Says that it changes nothing, so no approval is needed for it.
    annotations: { readOnlyHint: true },
  },
];

function call(name, { sides = 6, count = 1 }) {
  if (name === 'rolls') return rolled.join(', ') || 'nothing yet';
  if (name !== 'roll') throw new Error(`There is no tool "${name}".`);
  const dice = Array.from({ length: count }, () => 1 + Math.floor(Math.random() * sides));
  rolled.push(...dice);
  // Memory does not grow with use.
  rolled.splice(0, rolled.length - 1000);
  return dice.join(', ');
}

const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'dice', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call'({ name, arguments: input = {} }) {
    try {
      return { content: [{ type: 'text', text: call(name, input) }] };
    } catch (error) {
      // A failure that the model can mend is a result, not an error of the protocol.
      return { content: [{ type: 'text', text: error.message }], isError: true };
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line);
  // A message without an id is a notice; nobody waits for an answer.
  if (id === undefined) continue;
  const answer =
    method in methods
      ? { result: methods[method](params) }
      : { error: { code: -32601, message: `There is no method "${method}".` } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
}
