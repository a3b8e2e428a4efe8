import * as z from 'zod/mini';
import { ApprovalAnswers } from '../../../src/app/approvals/answers.ts';
import { ApprovalGate } from '../../../src/app/approvals/gate.ts';
import { Audit } from '../../../src/app/audit/audit.ts';
import { systemClock as clock, systemRandom } from '../../../src/adapters/system/index.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import { idMint } from '../../../src/core/ids.ts';
import { wordsIn } from '../../../src/core/notices/index.ts';
import type { Bus } from '../../../src/core/ports/bus.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { Metrics } from '../../../src/core/ports/system.ts';
import { quietLog } from '../../adapters/store/open.ts';
import { claim, inboundRow } from '../../adapters/store/rows.ts';
import { defaultPolicy } from '../../support/asking.ts';

/** A person is asked about a call, and answers. */
export async function askAndAnswer({
  store,
  bus,
  metrics,
}: {
  store: Store;
  bus: Bus;
  metrics: Metrics;
}): Promise<void> {
  const deps = { store, bus, clock, metrics, log: quietLog, mintId: idMint(clock, systemRandom) };
  const policy = (): typeof defaultPolicy => defaultPolicy;
  const gate = new ApprovalGate({ ...deps, policy, timeoutMs: () => 60_000 });
  const answers = new ApprovalAnswers({
    ...deps,
    policy,
    audit: new Audit({ store, clock }),
    whois: () => Promise.reject(new Error('not asked')),
  });
  await store.commitInbound([inboundRow('m1', { receivedAt: clock.now() })]);
  const claimed = await claim(store);
  const [inbound] = claimed?.inbound ?? [];
  if (claimed === null || inbound === undefined) throw new Error('nothing to claim');
  const { session, run } = claimed;
  const person = { id: 'owner', name: 'owner', role: 'owner', language: null, createdAt: 0 } as const;
  const tool = defineTool({
    name: 'post',
    description: 'post',
    effects: ['send'],
    input: () => z.strictObject({}),
    run: () => Promise.resolve({ text: '' }),
  });
  const call = {
    id: 'call_1',
    runId: run.id,
    person: person.id,
    role: person.role,
    agent: null,
    depth: 0,
    sessionKey: session.key,
    channel: 'api',
    account: 'owner',
    conversation: null,
    chatType: 'direct',
    language: null,
    signal: new AbortController().signal,
  } as const;
  const { id } = await gate.ask({ tool, args: {}, effects: ['send'], call, tainted: null }, 'It is asked.');
  const digest = (await store.approval(id, null, clock.now()))?.digest ?? '';
  const context = { inbound, session, argument: '', person, role: person.role, words: wordsIn(null) };
  await answers.answer(context, false, id, digest);
}
