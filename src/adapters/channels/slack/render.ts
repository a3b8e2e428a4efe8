/**
 * RichText → what a message of Slack carries: `rich_text` blocks for the reader, and `text` for notifications and for
 * clients that show no blocks. Nothing in a block is parsed by Slack, so no word of a reply can become markup, a link
 * or a mention. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
 */
import type { Button, OutboundBody } from '../../../core/message.ts';
import type { RichText, Span } from '../../../core/rich-text.ts';
import { markup, type Dialect } from '../markup.ts';

/** Slack recommends no more, cuts at 40,000. https://docs.slack.dev/reference/methods/chat.postMessage */
export const maxLength = 4000;
/** A bound of ours; Slack's is on the whole of the blocks. */
export const maxSpans = 100;
/** Blocks are refused (`msg_blocks_too_long`) from about 13,000 characters of JSON on. */
const blockCharactersPerText = 3;
const maxButtons = 25;
const maxLabel = 75;
const maxButtonValue = 2000;
const maxUrl = 3000;

interface Style {
  bold?: true;
  italic?: true;
  strike?: true;
  code?: true;
}

export interface TextElement {
  type: 'text' | 'link';
  text: string;
  url?: string;
  style?: Style;
}

interface TextBlock {
  type: 'rich_text_section' | 'rich_text_preformatted' | 'rich_text_quote';
  elements: TextElement[];
}

interface ButtonElement {
  type: 'button';
  action_id: string;
  text: { type: 'plain_text'; text: string; emoji: false };
  value: string;
}

export type Block = { type: 'rich_text'; elements: TextBlock[] } | { type: 'actions'; elements: ButtonElement[] };

export interface Rendered {
  text: string;
  /** Empty when the text alone says it exactly. */
  blocks: Block[];
}

export function render(body: OutboundBody): Rendered {
  const text = fallbackText(body);
  const { buttons = [] } = body;
  const blocks: Block[] = [];
  if (body.spans.length > 0 || needsBlock.test(body.text) || buttons.length > 0) {
    const elements = textBlocks(body);
    if (elements.length > 0) blocks.push({ type: 'rich_text', elements });
  }
  if (buttons.length > 0) blocks.push({ type: 'actions', elements: buttons.slice(0, maxButtons).map(buttonOf) });
  return { text, blocks };
}

/** The length of a body as Slack counts it, in the units of `maxLength`. */
export const measure = (body: RichText): number =>
  Math.max(fallbackText(body).length, Math.ceil(JSON.stringify(textBlocks(body)).length / blockCharactersPerText));

/** What Slack would read as markup, as an emoji's name or as an address in a plain text. */
const needsBlock = /[*_~`:]|^\s*>/m;

const buttonOf = ({ label, command }: Button, index: number): ButtonElement => ({
  type: 'button',
  action_id: `command_${index}`,
  text: { type: 'plain_text', text: label.trim().slice(0, maxLabel).toWellFormed() || command, emoji: false },
  value: command.slice(0, maxButtonValue),
});

/** Sections, code and quotes in order. Where one ends the next begins on a new line, so line breaks there are left out. */
function textBlocks({ text, spans }: RichText): TextBlock[] {
  const blocks: (TextBlock & { of: Span | null })[] = [];
  const cuts = new Set([0, text.length]);
  for (const { offset, length } of spans) cuts.add(offset).add(Math.min(offset + length, text.length));
  const sorted = [...cuts].sort((a, b) => a - b);
  for (const [index, from] of sorted.entries()) {
    const to = sorted[index + 1];
    if (to === undefined || from === to) continue;
    const around = spans.filter((span) => span.offset <= from && span.offset + span.length >= to);
    const of = around.find(({ style }) => style === 'quote') ?? around.find(({ style }) => style === 'pre') ?? null;
    let block = blocks.at(-1);
    if (block === undefined || block.of !== of) blocks.push((block = { type: typeOf(of), elements: [], of }));
    block.elements.push(...elementsOf(text.slice(from, to).toWellFormed(), around, of));
  }
  return blocks.flatMap(({ type, elements }) => {
    const solid = withoutEdgeBreaks(elements);
    return solid.length === 0 ? [] : [{ type, elements: solid }];
  });
}

function typeOf(span: Span | null): TextBlock['type'] {
  if (span === null) return 'rich_text_section';
  return span.style === 'quote' ? 'rich_text_quote' : 'rich_text_preformatted';
}

function elementsOf(text: string, around: readonly Span[], of: Span | null): TextElement[] {
  // Code as a block holds no styles.
  if (of?.style === 'pre') return [{ type: 'text', text }];
  const has = (...styles: string[]): boolean => around.some(({ style }) => styles.includes(style));
  const code = has('code', 'pre');
  const style: Style = {
    ...(has('bold', 'heading') ? { bold: true } : {}),
    ...(has('italic') ? { italic: true } : {}),
    ...(has('strike') ? { strike: true } : {}),
    ...(code ? { code: true } : {}),
  };
  const styled = Object.keys(style).length === 0 ? {} : { style };
  const url = around.findLast((span) => span.style === 'link' && isLinkable(span.url))?.url;
  if (url !== undefined) return [{ type: 'link', url, text, ...styled }];
  if (code) return [{ type: 'text', text, ...styled }];
  return text.split(bareUrl).map((piece, index) => ({
    ...(index % 2 === 1 && isLinkable(piece)
      ? { type: 'link', url: piece, text: piece }
      : { type: 'text', text: piece }),
    ...styled,
  }));
}

/** An address as people write it in a sentence; Slack makes links of these in a text but not in a block. */
const bareUrl = /(https?:\/\/[^\s<>"'`|\\^{}]*[^\s<>"'`|\\^{}.,;:!?()[\]*_~])/;

/** Slack makes no link of other schemes. */
export const isLinkable = (url: string | undefined): boolean =>
  url !== undefined && url.length <= maxUrl && /^(https?:\/\/|mailto:)[^\s]+$/i.test(url) && URL.canParse(url);

/** Without empty elements and without line breaks at either end. */
function withoutEdgeBreaks(elements: readonly TextElement[]): TextElement[] {
  const solid = elements.map((element) => ({ ...element }));
  for (let first = solid[0]; first !== undefined; first = solid[0]) {
    first.text = first.text.replace(/^\n+/, '');
    if (first.text !== '') break;
    solid.shift();
  }
  for (let last = solid.at(-1); last !== undefined; last = solid.at(-1)) {
    last.text = last.text.replace(/\n+$/, '');
    if (last.text !== '') break;
    solid.pop();
  }
  return solid.filter(({ text }) => text !== '');
}

const marks: Partial<Record<Span['style'], string>> = {
  bold: '*',
  heading: '*',
  italic: '_',
  strike: '~',
  code: '`',
  pre: '```',
};

/** Slack's own markup. https://docs.slack.dev/messaging/formatting-message-text */
const mrkdwn: Dialect = {
  open: ({ style, url }) => (style === 'link' && isLinkable(url) ? `<${escaped(url ?? '')}|` : (marks[style] ?? '')),
  close: ({ style, url }) => (style === 'link' && isLinkable(url) ? '>' : (marks[style] ?? '')),
  escape: (text) => escaped(text),
};

/** These three are all that Slack takes for control characters: mentions, links and entities are made of them. */
const escaped = (text: string): string =>
  text.toWellFormed().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const fallbackText = (body: RichText): string => markup(body, mrkdwn).trim();
