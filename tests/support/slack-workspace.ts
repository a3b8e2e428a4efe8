/** What stands in a workspace of Slack, with the rules by which messages come, change and are read. */
import type { Params } from './slack-server.ts';

export const team = 'T0000000001';
export const bot = { user: 'U0000000BOT', bot: 'B0000000BOT', name: 'clanker' };
export const people = { one: 'U0000000001', two: 'U0000000002' } as const;

const maxText = 40_000;
const maxBlocks = 13_000;

interface Element {
  type: string;
  text?: string | { text: string };
  url?: string;
  value?: string;
  style?: Record<string, boolean>;
  elements?: Element[];
}

export interface File {
  id: string;
  name: string;
  mimetype: string;
  size: number;
  bytes: Uint8Array;
}

export interface Posted {
  ts: string;
  channel: string;
  user: string;
  bot_id?: string;
  text: string;
  blocks: Element[];
  thread_ts?: string;
  metadata?: unknown;
  file?: File;
  /** Of a stream: its Markdown so far. */
  markdown?: string;
  streaming?: boolean;
  edits: number;
}

/** Slack's word for what is wrong. */
export class Refusal extends Error {}

export class Workspace {
  readonly messages: Posted[] = [];
  readonly files = new Map<string, File>();
  /** What a well-behaved app would not do. */
  readonly violations: string[] = [];
  #lastMicros = 0;

  ts(): string {
    this.#lastMicros = Math.max(this.#lastMicros + 1, Date.now() * 1000);
    return `${Math.floor(this.#lastMicros / 1e6)}.${String(this.#lastMicros % 1e6).padStart(6, '0')}`;
  }

  find(channel: string, ts: string): Posted {
    const found = this.messages.find((each) => each.channel === channel && each.ts === ts);
    if (found === undefined) throw new Refusal('message_not_found');
    return found;
  }

  post(params: Params, extra: Partial<Posted> = {}): Posted {
    const channel = channelOf(params['channel'] ?? params['channel_id']);
    const thread = params['thread_ts'];
    const message: Posted = {
      channel,
      ts: this.ts(),
      user: bot.user,
      bot_id: bot.bot,
      edits: 0,
      ...this.#content(params),
      ...(thread === undefined ? {} : { thread_ts: thread }),
      ...(params['metadata'] === undefined ? {} : { metadata: JSON.parse(params['metadata']) as unknown }),
      ...extra,
    };
    this.messages.push(message);
    return message;
  }

  update(params: Params): Posted {
    const message = this.find(channelOf(params['channel']), params['ts'] ?? '');
    if (message.bot_id !== bot.bot) throw new Refusal('cant_update_message');
    if (message.streaming === true) throw new Refusal('streaming_state_conflict');
    const { text, blocks } = this.#content(params);
    message.text = text;
    if (params['blocks'] !== undefined) message.blocks = blocks;
    delete message.markdown;
    message.edits++;
    return message;
  }

  startStream(params: Params): Posted {
    const channel = channelOf(params['channel']);
    if (params['thread_ts'] === undefined) throw new Refusal('invalid_thread_ts');
    if (!channel.startsWith('D') && (!params['recipient_user_id'] || !params['recipient_team_id']))
      throw new Refusal('missing_recipient');
    const markdown = params['markdown_text'] ?? '';
    return this.post({ ...params, text: '-' }, { markdown, streaming: true, text: markdown, blocks: [] });
  }

  appendStream(params: Params): Posted {
    const message = this.find(channelOf(params['channel']), params['ts'] ?? '');
    if (message.streaming !== true) throw new Refusal('message_not_in_streaming_state');
    message.markdown = (message.markdown ?? '') + (params['markdown_text'] ?? '');
    message.text = message.markdown;
    return message;
  }

  stopStream(params: Params): Posted {
    const message = this.appendStream(params);
    message.streaming = false;
    if (params['metadata'] !== undefined) message.metadata = JSON.parse(params['metadata']) as unknown;
    return message;
  }

  history(params: Params, thread: string | undefined): Posted[] {
    const channel = channelOf(params['channel']);
    const oldest = Number(params['oldest'] ?? 0);
    const inside = this.messages.filter((each) => each.channel === channel && Number(each.ts) > oldest);
    if (thread === undefined) return inside.filter((each) => (each.thread_ts ?? each.ts) === each.ts).reverse();
    return inside.filter((each) => each.thread_ts === thread || each.ts === thread);
  }

  /** As its reader sees it. */
  read({ text, blocks, markdown, file }: Posted): string {
    if (markdown !== undefined) return readMarkdown(markdown);
    if (blocks.length > 0)
      return blocks.flatMap((block) => (block.type === 'rich_text' ? [readRich(block)] : [])).join('\n');
    if (file === undefined && /[*_~`]|:\w+:/.test(text)) this.violations.push(`text that Slack formats: ${text}`);
    return unescaped(text);
  }

  #content(params: Params): { text: string; blocks: Element[] } {
    const text = params['text'] ?? params['initial_comment'] ?? '';
    const blocks = params['blocks'] === undefined ? [] : (JSON.parse(params['blocks']) as Element[]);
    if (text.length > maxText) throw new Refusal('msg_too_long');
    if (text === '' && blocks.length === 0 && params['files'] === undefined) throw new Refusal('no_text');
    if ((params['blocks'] ?? '').length > maxBlocks) throw new Refusal('msg_blocks_too_long');
    for (const block of blocks) checkBlock(block);
    if (/<[@!#]/.test(text)) this.violations.push(`a mention: ${text}`);
    return { text, blocks };
  }
}

function channelOf(channel: string | undefined): string {
  if (channel === undefined || !/^[CDGU][A-Z0-9]+$/.test(channel)) throw new Refusal('channel_not_found');
  return channel;
}

function checkBlock(block: Element): void {
  const refuse = (condition: boolean): void => {
    if (condition) throw new Refusal('invalid_blocks');
  };
  const elements = block.elements ?? [];
  refuse(elements.length === 0);
  if (block.type === 'actions') {
    refuse(
      elements.length > 25 || elements.some(({ type, value }) => type !== 'button' || (value ?? '').length > 2000),
    );
    return;
  }
  refuse(block.type !== 'rich_text');
  for (const part of elements) {
    refuse(!['rich_text_section', 'rich_text_preformatted', 'rich_text_quote'].includes(part.type));
    refuse((part.elements ?? []).length === 0);
    for (const { type, text, url, style } of part.elements ?? []) {
      refuse(typeof text !== 'string' || text === '');
      refuse(type !== 'text' && !(type === 'link' && URL.canParse(url ?? '')));
      refuse(Object.keys(style ?? {}).some((name) => !['bold', 'italic', 'strike', 'code'].includes(name)));
      refuse(part.type === 'rich_text_preformatted' && style !== undefined);
    }
  }
}

const readRich = ({ elements = [] }: Element): string =>
  elements
    .map((part) => (part.elements ?? []).map(({ text }) => (typeof text === 'string' ? text : '')).join(''))
    .join('\n');

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** Enough of Markdown for what streams carry; the rest of it would show. */
const readMarkdown = (markdown: string): string =>
  unescaped(
    markdown
      .replaceAll(/^```[\w+#-]*\n|\n?```$/gm, '')
      .replaceAll(/(?<!\\)(?:\*\*|~~|`)/g, '')
      .replaceAll(/(?<!\\)\*/g, '')
      .replaceAll(/\\([\\`*_~[\]#|])/g, '$1'),
  );
