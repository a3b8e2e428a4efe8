/**
 * A process that writes to a store until it is killed or done, for tests that kill, trace or starve it:
 * `node hammer.ts FILE COUNT PARALLEL`. Prints one line per acknowledgement, right after it, and per error code met.
 */
import { chat, claim, finish, inboundRow, noon, outboundRow } from '../rows.ts';
import { acknowledged, openHammered, say } from './hammering.ts';

const [file = '', count = '', parallel = ''] = process.argv.slice(2);

const store = await openHammered(file);

async function turn(id: string): Promise<void> {
  const sessionKey = `session-${id}`;
  await acknowledged(() => store.commitInbound([inboundRow(id, { sessionKey })]));
  say(`inbound ${id}`);
  const claimed = await acknowledged(() => claim(store, { sessionKey, maxStarts: 100 }));
  if (claimed === null) throw new Error(`nothing to claim for ${id}`);
  await acknowledged(() =>
    store.finishRun(
      finish(claimed.run.id, { outbox: [outboundRow(`out-${id}`, { runId: claimed.run.id, conversation: chat(id) })] }),
    ),
  );
  say(`finished ${id}`);
  const row = await acknowledged(() => store.claimSend(chat(id), noon + 10_000));
  if (row === null) throw new Error(`nothing to send for ${id}`);
  await acknowledged(() => store.recordSend(row.id, { state: 'sent', ref: id, at: noon + 10_000 }));
  say(`sent ${id}`);
}

say('opened');
await Promise.all(
  Array.from({ length: Number(parallel) }, async (_, lane) => {
    for (let i = 0; i < Number(count); i++) await turn(`${lane}-${i}`);
  }),
);
await store.close();
say('closed');
