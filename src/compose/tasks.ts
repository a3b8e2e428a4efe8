import { resolveDelivery } from '../app/tasks/deliveries.ts';
import type { CarryOutDeps } from '../app/tasks/carry-out.ts';
import type { HandOver } from '../app/tasks/hand-over.ts';
import type { JobTools } from '../app/tasks/job-tools.ts';
import type { SaveDeps } from '../app/tasks/keep-whole.ts';
import type { QuestionDeps, Questions } from '../app/tasks/question.ts';
import { webhookKind } from '../app/tasks/kinds/webhook.ts';
import type { JobRights } from '../app/tasks/rights.ts';
import { once } from '../core/once.ts';
import type { PayloadKind } from '../core/payload.ts';
import type { Calendar } from '../core/ports/calendar.ts';
import type { Here } from '../core/ports/schedule-gateway.ts';
import type { TaskKind, TaskKinds } from '../core/ports/task-kind.ts';
import type { WebhookPoster } from '../core/ports/webhook-poster.ts';
import type { PersonRole } from '../core/principal.ts';
import { judgeUrl } from '../core/public-url.ts';
import { Secret } from '../core/secret.ts';
import type { TaskDelivery } from '../core/task.ts';
import type { Messages } from './messages.ts';
import { publicHttpOf, urlRules } from './web.ts';

interface TaskParts extends Messages {
  calendar: Calendar;
  rights: JobRights;
  /** What the gateway does for itself. */
  chore: () => Promise<TaskKind>;
}

/** What tasks do, and how what they come to leaves them. Nearly all of it is loaded when the first task asks for it. */
export function composeTasks(parts: TaskParts): {
  kinds: TaskKinds;
  handOver: CarryOutDeps['handOver'];
  failureNotice: CarryOutDeps['failureNotice'];
  delivery: (
    by: { person: string; role: PersonRole },
    written: string | undefined,
    here: Here | null,
  ) => Promise<TaskDelivery>;
} {
  const { live, rights, clock, random, notes, personFiles, directory } = parts;
  const timeoutMs = (): number => live.config.tasks.timeout;
  const poster = posterOf(parts);
  const save: SaveDeps = parts;
  const handOver = once(async (): Promise<HandOver> => {
    const { HandOver } = await import('../app/tasks/hand-over.ts');
    return new HandOver({ ...parts, zoneOf: (person) => live.zoneOf(person, parts.store) });
  });
  const questions = once(async (): Promise<Questions> => {
    const { Questions } = await import('../app/tasks/question.ts');
    const assertWelcome: QuestionDeps['assertWelcome'] = async (task) => (await handOver()).assertWelcome(task);
    return new Questions({ ...parts, agents: () => live.agentNames, assertWelcome });
  });
  const tools = once(async (): Promise<JobTools> => {
    const { JobTools } = await import('../app/tasks/job-tools.ts');
    return new JobTools({ ...parts, agent: () => live.agent(null) });
  });
  const makers: Readonly<Record<PayloadKind, () => Promise<TaskKind>>> = {
    text: async () => (await import('../app/tasks/kinds/text.ts')).textKind() as TaskKind,
    ask: async () => (await import('../app/tasks/kinds/ask.ts')).askKind({ questions: await questions() }) as TaskKind,
    tool: async () =>
      (await import('../app/tasks/kinds/tool.ts')).toolKind({
        tools: await tools(),
        clock,
        timeoutMs: () => live.config.tools.timeout,
        save,
      }) as TaskKind,
    fetch: async () => {
      const [{ fetchKind }, { pageReader }] = await Promise.all([
        import('../app/tasks/kinds/fetch.ts'),
        import('../adapters/tools/web/read-page.ts'),
      ]);
      const limits = (): { timeoutMs: number; maxBytes: number } => {
        const { timeout, max_bytes } = live.config.tools.http_client;
        return { timeoutMs: timeout, maxBytes: max_bytes };
      };
      const readPage = pageReader({ http: publicHttpOf(() => live.config.tools, parts), limits });
      const refusalOf = async (url: string, owner: string): Promise<string | null> => {
        const judged = judgeUrl(url, urlRules(live.config.tools), (await directory.roleOf(owner)) === 'owner');
        return 'message' in judged ? judged.message : null;
      };
      return fetchKind({
        tools: await tools(),
        readPage,
        refusalOf,
        questions: await questions(),
        clock,
        save,
      }) as TaskKind;
    },
    lookup: async () => {
      const [{ lookupKind }, { bestFiles }] = await Promise.all([
        import('../app/tasks/kinds/lookup.ts'),
        import('../adapters/tools/files/read.ts'),
      ]);
      const findFiles: Parameters<typeof lookupKind>[0]['findFiles'] = (...asked) =>
        live.config.tools.files.enabled ? bestFiles(personFiles, ...asked) : Promise.resolve([]);
      return lookupKind({ notes, findFiles, tools: await tools() }) as TaskKind;
    },
    webhook: () => Promise.resolve(webhookKind({ poster, clock, rights, directory }) as TaskKind),
    file: async () =>
      (await import('../app/tasks/kinds/file.ts')).fileKind({ questions: await questions(), rights, save }) as TaskKind,
    workflow: async () =>
      (await import('../app/tasks/kinds/workflow.ts')).workflowKind({ kinds, clock, random, timeoutMs }) as TaskKind,
    chore: parts.chore,
  };
  const made = new Map<PayloadKind, Promise<TaskKind>>();
  const kinds: TaskKinds = (kind) => {
    // What a newer version left in the database may be unknown.
    if (!Object.hasOwn(makers, kind)) return Promise.resolve(null);
    const known = made.get(kind) ?? makers[kind]();
    made.set(kind, known);
    return known;
  };
  return {
    kinds,
    handOver: async (task, outcome, now) => (await handOver()).handOver(task, outcome, now),
    failureNotice: async (task, now) => (await handOver()).failureNotice(task, now),
    delivery: (by, written, here) => resolveDelivery(by, written, here, { ...parts, webhooks: () => poster.names() }),
  };
}

/** Signing and posting are loaded with the first post; which names there are is known at once. */
function posterOf({ live, http, clock }: Pick<TaskParts, 'live' | 'http' | 'clock'>): WebhookPoster {
  const load = once(async (): Promise<WebhookPoster> => {
    const { webhookPoster } = await import('../adapters/channels/webhook/out.ts');
    const webhooks: Parameters<typeof webhookPoster>[0]['webhooks'] = () =>
      Object.fromEntries(
        Object.entries(live.config.webhooks.out).flatMap(([name, { url, secret, timeout }]) =>
          // Without a secret the configuration is refused.
          secret instanceof Secret ? [[name, { url, secret, timeoutMs: timeout }]] : [],
        ),
      );
    return webhookPoster({ webhooks, http, clock });
  });
  return {
    names: () => Object.keys(live.config.webhooks.out),
    post: async (...asked) => (await load()).post(...asked),
  };
}
