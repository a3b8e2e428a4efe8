/** What goes out, in Discord's words. https://discord.com/developers/docs/resources/message#create-message */
import { createHash } from 'node:crypto';
import type { OutboundBody } from '../../../core/message.ts';
import type { OutboundPart } from '../../../core/ports/channel.ts';
import { multipart } from '../multipart.ts';
import type { Form } from '../multipart.ts';
import { render } from './render.ts';

const maxButtons = 25;
const buttonsPerRow = 5;
const maxLabel = 80;
/** Previews of every address in an answer are noise. */
const suppressEmbeds = 4;
const [actionRow, button, secondary] = [1, 2, 2] as const;

/** Nobody is ever called by what a model writes, the person who is answered neither. */
const nobody = { parse: [], replied_user: false } as const;

/** Discord knows a message by it for a few minutes and shows it once; at most 25 characters. */
export const nonceOf = (idempotencyKey: string): string =>
  createHash('sha256').update(idempotencyKey).digest('base64url').slice(0, 25);

export function newMessage(part: OutboundPart): object {
  const { body, replyTo, idempotencyKey } = part;
  return {
    ...shown(body),
    ...components(body, false),
    nonce: nonceOf(idempotencyKey),
    enforce_nonce: true,
    ...(replyTo === undefined || !/^\d+$/.test(replyTo)
      ? {}
      : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
  };
}

/** Buttons that are no longer offered leave. */
export const changedMessage = (body: OutboundBody): object => ({ ...shown(body), ...components(body, true) });

/** With the file when there is one. */
export function payload(
  message: object,
  { body: { file }, file: bytes }: Pick<OutboundPart, 'body' | 'file'>,
): object | Form {
  if (file === undefined || bytes === undefined) return message;
  const name = file.name ?? `file${extension(file.mimeType)}`;
  const described = { ...message, attachments: [{ id: 0, filename: name }] };
  return multipart({ payload_json: JSON.stringify(described) }, [
    { field: 'files[0]', name, mimeType: file.mimeType, bytes },
  ]);
}

const shown = (body: OutboundBody): object => ({
  content: render(body).toWellFormed(),
  allowed_mentions: nobody,
  flags: suppressEmbeds,
});

function components({ buttons = [] }: OutboundBody, always: boolean): object {
  // Two of one command would be refused.
  const unique = [...new Map(buttons.map((each) => [each.command, each])).values()].slice(0, maxButtons);
  if (unique.length === 0 && !always) return {};
  const rows = [];
  for (let at = 0; at < unique.length; at += buttonsPerRow) {
    const inRow = unique.slice(at, at + buttonsPerRow);
    rows.push({
      type: actionRow,
      components: inRow.map(({ label, command }) => ({
        type: button,
        style: secondary,
        label: label.slice(0, maxLabel).toWellFormed(),
        custom_id: command,
      })),
    });
  }
  return { components: rows };
}

const extension = (mimeType: string): string => {
  const [, subtype = ''] = /^\w+\/([a-z0-9]{1,5})$/.exec(mimeType) ?? [];
  return subtype === '' ? '' : `.${subtype}`;
};
