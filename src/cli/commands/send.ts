import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';
import { readMessage } from '../read-message.ts';

/** What platforms show as what it is; everything else is a document. */
const mimeTypes: Readonly<Record<string, string>> = {
  '.gif': 'image/gif',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.ogg': 'audio/ogg',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
};

export const send: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const channel = required(options.value('channel'), '-c CHANNEL');
  const target = required(options.value('channel-id'), '--channel-id ID');
  const file = options.value('file');
  const message = file === undefined ? required(options.value('message'), '-m TEXT') : options.value('message');
  const thread = options.value('thread');
  const content = message === undefined ? '' : await readMessage(message, terminal.input);
  const client = await GatewayClient.of(invocation);
  const sent = await client.deliver<{ message_id: string }>({
    channel,
    target,
    content,
    ...(file === undefined ? {} : { attachments: [await upload(file, client)] }),
    ...(thread === undefined ? {} : { thread }),
  });
  if (options.has('json')) terminal.json(sent);
  else terminal.line(`Delivered (${sent.message_id}).`);
  return 0;
};

async function upload(file: string, client: GatewayClient): Promise<{ id: string; name: string }> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`${file} cannot be read (${error.code ?? error.message}); check the path.`);
  });
  const mimeType = mimeTypes[path.extname(file).toLowerCase()] ?? 'application/octet-stream';
  return { id: await client.upload(bytes, mimeType), name: path.basename(file).replaceAll(/[\\\p{Cc}]/gu, '_') };
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) {
    throw new CliError(`${option} is missing. Usage: open-clanker send -c CHANNEL --channel-id ID -m TEXT`, 2);
  }
  return value;
}
