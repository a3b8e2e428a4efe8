import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { holdsSecret } from '../../../core/leaks.ts';
import type { Sender } from '../../../core/ports/sender.ts';
import type { ToolGroup } from '../../../core/ports/tool.ts';

const maxTextLength = 20_000;

/** Messages to other conversations than the one that asks. */
export const sendTools = ({ sender }: { sender: Sender }): ToolGroup => ({
  name: 'send',
  about: 'send a message to another chat or person',
  keywords: [
    'send',
    'tell him',
    'tell her',
    'tell them',
    'message',
    'write to',
    'schick',
    'sende',
    'schreib',
    'nachricht',
    'benachricht',
    'enví',
    'manda',
    'mensaje',
    'avisa',
    'escrib',
    'envoie',
    'envoy',
    'écri',
    'préviens',
  ],
  tools: [
    defineTool({
      name: 'send_message',
      description: 'Sends text to another chat. to: a name or address; a wrong one is answered with those there are.',
      input: () => z.strictObject({ to: z.string(), text: z.string() }),
      effects: ['send'],
      // The run and the call are its key: after a crash the same call finds its message planned already.
      idempotent: true,
      async run({ to, text }, { person, role, runId, id }) {
        if (text.length > maxTextLength)
          return { text: `A message has at most ${maxTextLength} characters.`, isError: true };
        if (holdsSecret(text))
          return { text: 'This holds a secret of the gateway, which must not leave. Nothing was sent.', isError: true };
        const { name, address } = await sender.send({ person, role }, { to, text, key: `tool:${runId}:${id}` });
        return { text: `On its way to ${name} (${address}).` };
      },
    }),
  ],
});
