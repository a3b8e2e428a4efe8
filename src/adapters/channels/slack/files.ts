/** Files both ways. https://docs.slack.dev/messaging/working-with-files */
import { ClankerError } from '../../../core/errors.ts';
import type { Attachment } from '../../../core/message.ts';
import type { OutboundPart, SendOutcome } from '../../../core/ports/channel.ts';
import type { SlackApi } from './api.ts';
import { failedOutcome } from './outcome.ts';
import { render } from './render.ts';
import { fileName } from './sent-mark.ts';

/** Slack takes a gigabyte; a file of ours is in memory while it is sent. */
export const maxFileBytes = 50_000_000;

/** Three calls of which only the last shows anything. The ref is the file's id: Slack does not tell the message's. */
export async function sendFile(
  api: SlackApi,
  part: OutboundPart,
  threadTs: string | undefined,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const { body, conversation, file: bytes } = part;
  if (body.file === undefined || bytes === undefined) throw new Error('a part without its file');
  const name = fileName(body.file);
  const place = await api.call<{ upload_url?: unknown; file_id?: unknown }>(
    'files.getUploadURLExternal',
    { filename: name, length: bytes.length },
    signal,
  );
  if (!place.ok) return failedOutcome(place, 'edit');
  const { upload_url: url, file_id: id } = place.result;
  if (typeof url !== 'string' || typeof id !== 'string')
    return { ok: false, kind: 'transient', detail: 'Slack gave no address for the file.' };
  const uploaded = await api.upload(url, bytes, signal);
  if (!uploaded.ok) return failedOutcome(uploaded, 'edit');
  const { text, blocks } = render(body);
  const caption = blocks.length > 0 ? { blocks } : text === '' ? {} : { initial_comment: text };
  const shared = await api.call(
    'files.completeUploadExternal',
    { files: [{ id, title: name }], channel_id: conversation.native, thread_ts: threadTs, ...caption },
    signal,
  );
  return shared.ok ? { ok: true, ref: id } : failedOutcome(shared, 'send');
}

/** The bytes of a file that a person attached. */
export async function* fetchFile(
  api: SlackApi,
  attachment: Attachment,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const unavailable = (why: string): ClankerError =>
    new ClankerError('channel', 'attachment', `The file is not to be had: ${why}.`);
  const about = await api.call<{ file?: { url_private_download?: unknown; url_private?: unknown } | null }>(
    'files.info',
    { file: attachment.native },
    signal,
  );
  if (!about.ok) throw unavailable(about.description);
  const url = about.result.file?.url_private_download ?? about.result.file?.url_private;
  if (typeof url !== 'string') throw unavailable('it is not stored in Slack');
  const response = await api.file(url, signal);
  if (response === null) throw unavailable('it is not stored in Slack');
  if (response.status !== 200) throw unavailable(`HTTP ${response.status}`);
  // Without the scope Slack answers with a page to log in.
  if (response.headers['content-type']?.startsWith('text/html') === true && attachment.mimeType !== 'text/html')
    throw unavailable('the scope files:read is missing');
  yield* response.body;
}
