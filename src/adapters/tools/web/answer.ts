/** What a model reads of an HTTP answer. */
import type { MintId } from '../../../core/ids.ts';
import type { FileStorage } from '../../../core/ports/files.ts';
import type { PublicResponse } from '../../../core/ports/public-http.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { ToolOutput } from '../../../core/ports/tool.ts';
import { declaredType, readText } from './read-text.ts';

export interface AnswerDeps {
  files: Pick<FileStorage, 'save' | 'remove'>;
  store: Pick<Store, 'saveFile'>;
  clock: Clock;
  mintId: MintId;
}

const outside = 'web page';

/** The answer in words. What is no text becomes a stored file of the person. */
export async function answerOf(
  response: PublicResponse,
  method: string,
  person: string,
  maxBytes: number,
  signal: AbortSignal,
  deps: AnswerDeps,
): Promise<ToolOutput> {
  const { status, url, headers } = response;
  const said = (what: string, text: string): ToolOutput => ({
    text: `HTTP ${status}, ${what}, from ${url}\n\n${text}`,
    outside,
    ...(status >= 400 ? { isError: true } : {}),
  });
  if (method === 'HEAD')
    return said(
      declaredType(headers),
      Object.entries(headers)
        .map((header) => header.join(': '))
        .join('\n'),
    );

  const read = await readText(response, signal);
  switch (read.kind) {
    case 'nothing':
      return said('no content', '');
    case 'bytes': {
      const file = await kept(read.body, read.type, person, maxBytes, deps);
      return said(file.mimeType, `It is kept as the file ${file.id} (${file.size} bytes).`);
    }
    case 'text': {
      const title = read.title === '' ? '' : `${read.title}\n\n`;
      return said(read.type, `${title}${read.text}${read.cut === null ? '' : `\n(${read.cut})`}`);
    }
  }
}

async function kept(
  body: AsyncIterable<Uint8Array>,
  mimeType: string,
  owner: string,
  maxBytes: number,
  { files, store, clock, mintId }: AnswerDeps,
): Promise<{ id: string; mimeType: string; size: number }> {
  const id = mintId('file');
  const { size, sha256 } = await files.save(id, body, maxBytes);
  try {
    await store.saveFile({ id, owner, mimeType, size, sha256, createdAt: clock.now() });
  } catch (error) {
    await files.remove(id);
    throw error;
  }
  return { id, mimeType, size };
}
