/** Discord's Markdown as its clients read it, down to the words: what a person sees of a message. */

type Rule = readonly [RegExp, (match: RegExpExecArray, atLine: boolean) => string | null];

/** In the order in which the clients try them. What would become something else than words shows in capitals. */
const rules: readonly Rule[] = [
  [/^\\([^0-9A-Za-z\s])/, ([, char = '']) => char],
  [
    /^> ?(.*(?:\n> ?.*)*)(\n|$)/,
    ([, lines = '', end = ''], atLine) => (atLine ? read(lines.replaceAll(/\n> ?/g, '\n')) + end : null),
  ],
  [/^(#{1,3}|-#)\s+(.*)/, ([, , words = ''], atLine) => (atLine ? `HEADING ${read(words)}` : null)],
  [/^ *(?:[-*+]|\d+[.)]) +/, (_, atLine) => (atLine ? 'BULLET ' : null)],
  [/^```(?:([\w+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/, ([, , code = '']) => code],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, ([, , code = '']) => code.replaceAll(/^ (?= *`)|(` *) $/g, '$1')],
  [/^<(@[!&]?|#|t:|a?:\w+:)\d+[^>]*>/, () => 'MENTION'],
  [/^<(https?:\/\/[^ >]+)>/, ([, url = '']) => url],
  [/^https?:\/\/[^\s<]+[^<.,:;"'\]\s]/, ([url]) => url],
  [
    /^\[((?:\[[^\]]*\]|[^[\]])+)\]\((https?:\/\/[^()\s]+)\)/,
    ([, label = '']) => (/:\/\//.test(label) ? null : read(label, false)),
  ],
  [/^@(everyone|here)/, () => 'EVERYBODY'],
  [/^:[a-z][\w+-]+:/i, () => 'EMOJI'],
  [/^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, ([, words = '']) => read(words, false)],
  [/^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, ([, words = '']) => read(words, false)],
  [/^\b_((?:__|\\[\s\S]|[^\\_])+?)_\b/, ([, words = '']) => read(words, false)],
  [
    /^\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/,
    ([, words = '']) => read(words, false),
  ],
  [/^~~((?:\\[\s\S]|[^\\])+?)~~(?!_)/, ([, words = '']) => read(words, false)],
  [/^\|\|([\s\S]+?)\|\|/, ([, words = '']) => read(words, false)],
];

/** The words a reader sees. */
export function read(source: string, begins = true): string {
  let out = '';
  let rest = source;
  let before = '\n';
  while (rest !== '') {
    const atLine = before === '\n' && (begins || out !== '');
    const step = next(rest, atLine, before);
    out += step.shown;
    before = rest.slice(step.length - 1, step.length);
    rest = rest.slice(step.length);
  }
  return out;
}

function next(rest: string, atLine: boolean, before: string): { shown: string; length: number } {
  for (const [pattern, show] of rules) {
    const match = pattern.exec(rest);
    if (match === null) continue;
    // `_` opens at the edge of a word only.
    if (rest.startsWith('_') && !rest.startsWith('__') && /\w/.test(before) && pattern.source.startsWith('^\\b_'))
      continue;
    const shown = show(match, atLine);
    if (shown !== null) return { shown, length: match[0].length };
  }
  const [char = ''] = rest;
  return { shown: char, length: char.length };
}
