/** What people wrote, out of Slack's markup: https://docs.slack.dev/messaging/formatting-message-text */

export interface ReadContext {
  /** Our user id. */
  me: string;
  /** How somebody or something is called; null when that is not known. */
  nameOf: (id: string) => string | null;
}

export interface ReadText {
  /** Without the mentions of us that only served to address us. */
  text: string;
  mentionsUs: boolean;
  /** It begins with the mention of somebody else. */
  toAnother: boolean;
}

const leadingMention = /^\s*<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>[\s,:]*/;
const token = /<([@#!]?)([^<>|]{1,3000})(?:\|([^<>]*))?>/g;

export function readText(source: string, { me, nameOf }: ReadContext): ReadText {
  const first = leadingMention.exec(source)?.[1];
  const mentionsUs = [...source.matchAll(token)].some(([, kind, target]) => kind === '@' && target === me);
  let rest = source;
  for (let lead = leadingMention.exec(rest); lead?.[1] === me; lead = leadingMention.exec(rest)) {
    // A bare mention stays: it is all that was said.
    if (rest.length === lead[0].length) break;
    rest = rest.slice(lead[0].length);
  }
  const text = rest.replaceAll(token, (_, kind: string, target: string, label: string | undefined) => {
    if (kind === '@') return `@${label ?? nameOf(target) ?? target}`;
    if (kind === '#') return label === undefined || label === '' ? (nameOf(target) ?? `#${target}`) : `#${label}`;
    if (kind === '!') return commandOf(target, label);
    const url = target.replace(/^mailto:/, '');
    return label === undefined || label === '' || label === url || label === target ? url : `${label} (${url})`;
  });
  return { text: unescaped(text).trim(), mentionsUs, toAnother: first !== undefined && first !== me };
}

/** `<!here>`, `<!subteam^S1|@team>`, `<!date^…|yesterday>` */
function commandOf(target: string, label: string | undefined): string {
  if (label !== undefined && label !== '') return label;
  return `@${target.split('^')[0] ?? target}`;
}

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** The people and channels a text names without saying what they are called. */
export const namedIn = (source: string): string[] =>
  [...source.matchAll(/<[@#]([UWCG][A-Z0-9]+)\|?>/g)].map(([, id = '']) => id);
