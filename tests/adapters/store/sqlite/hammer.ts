/**
 * A process that writes to a store until it is killed or done, for tests that kill, trace or starve it:
 * `node hammer.ts FILE COUNT PARALLEL`. Prints one line per acknowledgement, right after it, and per error code met.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import { keptMetrics, migrationsDir, quietLog } from '../open.ts';
import { chat, claim, finish, inboundRow, noon, outboundRow } from '../rows.ts';

const [file = '', count = '', parallel = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const store = await openStore({
  path: file,
  migrationsDir,
  log: quietLog,
  metrics: keptMetrics(),
  clock: systemClock,
});

/** Until it is acknowledged, as a channel would do; gives up on what waiting cannot mend. */
async function acknowledged<T>(operation: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ClankerError) || !error.retryable) throw error;
      say(`error ${error.code}`);
      await sleep(10);
    }
  }
  throw new Error('never acknowledged');
}

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
