/** How the names of servers and their tools become names of ours. */

/** The longest name that every model API takes. */
const maxName = 64;
const maxServerPart = 32;

/** One underscore at most in a row: so the first two of them end the server's part, and no two servers share a name. */
const clean = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');

/** Each name with its form; what others took already gets a number. The order given decides who keeps the plain form. */
function numbered(names: readonly string[], formOf: (name: string) => string, max: number): Map<string, string> {
  const taken = new Set<string>();
  const forms = new Map<string, string>();
  for (const name of names) {
    if (forms.has(name)) continue;
    const plain = formOf(name).slice(0, max);
    let form = plain;
    for (let n = 2; taken.has(form); n++) form = `${plain.slice(0, max - `_${n}`.length)}_${n}`;
    taken.add(form);
    forms.set(name, form);
  }
  return forms;
}

/** `mcp_<server>` for each configured name. */
export const groupNames = (servers: readonly string[]): Map<string, string> =>
  numbered(servers.toSorted(), (name) => `mcp_${clean(name) || 'server'}`, 'mcp_'.length + maxServerPart);

/** `mcp_<server>__<tool>` for each tool of a server, the same whatever order they were listed in. */
export const toolNames = (group: string, tools: readonly string[]): Map<string, string> =>
  numbered(tools.toSorted(), (name) => `${group}__${clean(name) || 'tool'}`, maxName);
