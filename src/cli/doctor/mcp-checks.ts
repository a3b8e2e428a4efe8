/** Checks of the MCP servers, as the running gateway sees them. */
import type { Check } from './facts.ts';

export const notThere: Check = ({ gateway }) => {
  if (gateway.reach !== 'up') return null;
  return gateway.status.mcp
    .filter(({ state }) => state === 'waiting')
    .map(({ name, detail }) => ({
      code: 'mcp_server_down',
      problem: `The MCP server "${name}" is not there: ${detail}`,
      fix: `Run its command by hand, or ask its address, to see why; what it says is in the log. It is tried again by itself. To do without it: mcp.servers.${name}.enabled = false`,
    }));
};
