/** The things that happen to a gateway, each with the figures of /metrics that it moves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, chatEvents, connect } from '../../support/gateway-client.ts';
import { ada, ben, type Observed } from '../../support/observed.ts';

/** Longer than any figure takes to move. */
const longMs = 120_000;

export interface Drive {
  what: string;
  /** Of /metrics: `name` or `name{label="value"}`. Each must change. */
  moves: string[];
  /** Makes it happen, or begins to; what it returns ends it again. */
  drive: (gateway: Observed) => Promise<(() => Promise<unknown>) | void>;
}

/** With the prefix that the registry adds. */
export const ours = (names: string[]): string[] =>
  names.map((name) => (name.startsWith('process_') ? name : `openclanker_${name}`));

const say = (gateway: Observed, body: object): Promise<unknown> =>
  ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello', ...body });

export const drives: readonly Drive[] = [
  {
    what: 'a message over HTTP',
    moves: [
      'messages_received_total{channel="api"}',
      'messages_today',
      'active_people_today',
      'active_channels_today',
      'sessions',
      'turns_total{channel="api",outcome="finished"}',
      'turn_seconds{channel="api"}',
      'provider_calls_total{provider="m",outcome="ok"}',
      'provider_tokens_total{kind="input"}',
      'provider_tokens_total{kind="output"}',
      'provider_cost_usd_total{provider="m"}',
      'provider_first_output_seconds{provider="m"}',
      'http_requests_total{route="/api/v1/chat",status="200"}',
      'http_request_seconds{route="/api/v1/chat"}',
      'http_client_requests_total{outcome="2xx"}',
      'store_commit_seconds',
      'store_batch_operations',
      'bus_events_total{type="run.finished"}',
    ],
    drive: async (gateway) => void (await say(gateway, {})),
  },
  {
    what: 'a streamed answer',
    moves: ['bus_latency_seconds{subscriber="chat"}', 'http_request_seconds{route="/api/v1/chat"}'],
    async drive(gateway) {
      for await (const { event } of chatEvents(gateway.target, { text: 'hello' })) if (event === 'run.finished') break;
    },
  },
  {
    what: 'a question that a budget does not reach for',
    moves: ['budget_refusals_total{account="person",unit="tokens"}'],
    async drive(gateway) {
      const budget = '/api/v1/people/owner/budget';
      await ask(gateway.target, 'POST', budget, { tokens_day: 1 });
      await say(gateway, {});
      await ask(gateway.target, 'POST', budget, { tokens_day: 'default' });
    },
  },
  {
    what: 'an answer that calls a tool',
    moves: ['tool_calls_total{outcome="ok",tool="calculator"}', 'tool_seconds{tool="calculator"}'],
    async drive(gateway) {
      const toolCalls = [{ name: 'calculator', args: { expression: '6 * 7' } }];
      gateway.model.answer = ({ messages }) =>
        (messages as { role: string }[]).at(-1)?.role === 'tool' ? {} : { text: '', toolCalls };
      await say(gateway, { text: 'calculate 6 * 7' });
      gateway.model.answer = {};
    },
  },
  {
    what: 'a conversation that its model cannot hold any more',
    moves: ['compactions_total{outcome="ok"}'],
    async drive(gateway) {
      for (let n = 0; n < 8; n++) await say(gateway, { text: 'word '.repeat(400), session: 'talk', model: 'narrow' });
    },
  },
  {
    what: 'a model without prices',
    moves: ['provider_price_unknown_total{provider="n"}'],
    drive: async (gateway) => void (await say(gateway, { model: 'n' })),
  },
  {
    what: 'a provider that fails once',
    moves: ['provider_retries_total{provider="m"}', 'provider_calls_total{outcome="server"}'],
    async drive(gateway) {
      gateway.model.next('server-500');
      await say(gateway, {});
    },
  },
  {
    what: 'a model call that fails for good',
    moves: ['turns_total{channel="api",outcome="failed"}', 'http_requests_total{status="502"}'],
    async drive(gateway) {
      gateway.model.next('invalid');
      await say(gateway, { model: 'n' });
    },
  },
  {
    what: 'calls that take long, more than the provider may have at once',
    moves: [
      'provider_active{provider="n"}',
      'provider_waiting{provider="n"}',
      'runs_active',
      'run_queue_depth',
      'inbox_queued',
    ],
    async drive(gateway) {
      gateway.model.answer = { headersDelayMs: longMs };
      const leave = new AbortController();
      const open = ['slow-a', 'slow-b', 'slow-a'].map((session) =>
        ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello', session, model: 'n' }, {}, leave.signal).catch(
          () => undefined,
        ),
      );
      return () => {
        gateway.model.answer = {};
        leave.abort();
        return Promise.all(open);
      };
    },
  },
  {
    what: 'an open WebSocket',
    moves: ['http_websockets', 'http_connections'],
    drive: async (gateway) => {
      const socket = await connect(gateway.target);
      return () => socket.close();
    },
  },
  {
    what: 'an open event stream',
    moves: ['http_event_streams'],
    drive: async (gateway) => {
      const leave = new AbortController();
      const headers = { authorization: `Bearer ${gateway.target.token}` };
      const stream = await fetch(`${gateway.target.url}/api/v1/events`, { headers, signal: leave.signal });
      return async () => {
        leave.abort();
        // Whose body nobody holds any more is collected, and its stream ends early.
        await stream.body?.cancel().catch(() => undefined);
      };
    },
  },
  {
    what: 'a wrong token',
    moves: ['http_auth_failures_total', 'http_refused_total{reason="unauthorized"}'],
    drive: async (gateway) => void (await ask({ ...gateway.target, token: 'wrong' }, 'GET', '/api/v1/status')),
  },
  {
    what: 'a message on Telegram',
    moves: [
      'messages_received_total{channel="telegram"}',
      'sends_total{channel="telegram",outcome="ok"}',
      'send_seconds{channel="telegram"}',
      'deliveries_total{channel="telegram",outcome="sent"}',
    ],
    drive: (gateway) => gateway.talk('hello'),
  },
  {
    what: 'a code that makes another identity the owner',
    moves: ['pairing_codes_total{kind="link"}'],
    drive: async (gateway) => void (await ask(gateway.target, 'POST', '/api/v1/people/owner/link', {})),
  },
  {
    what: 'a reaction to an answer',
    moves: ['feedback_total{channel="telegram",value="👍"}'],
    async drive(gateway) {
      // To the one before the last: that it was sent is recorded by now.
      await gateway.talk('hello');
      await gateway.talk('hello again');
      const answer = gateway.telegram.messages(ada).at(-2);
      gateway.telegram.react(ada, answer?.messageId ?? 0, '👍');
    },
  },
  {
    what: 'a stranger',
    moves: ['messages_turned_away_total{channel="telegram",reason="refused"}'],
    drive: async (gateway) => void gateway.telegram.inject({ chatId: 666, text: 'let me in' }),
  },
  {
    what: 'a platform that asks to wait',
    moves: ['send_retries_total{channel="telegram"}', 'sends_total{outcome="rate_limited"}'],
    drive(gateway) {
      const failure = { code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } };
      gateway.telegram.fail(1, { mode: 'code', ...failure }, 'sendMessage');
      return gateway.talk('hello');
    },
  },
  {
    what: 'a job, a task that waits, and one that fails',
    moves: ['jobs', 'tasks_queued', 'tasks_failed'],
    async drive(gateway) {
      const text = { kind: 'text', text: 'tea' };
      const { body: job } = await ask<{ id: string }>(gateway.target, 'POST', '/api/v1/jobs', {
        every: '1h',
        payload: text,
      });
      const { body: task } = await ask<{ id: string }>(gateway.target, 'POST', '/api/v1/tasks', {
        after: '1h',
        payload: text,
      });
      gateway.model.next('invalid');
      const question = { kind: 'ask', prompt: 'hello' };
      await ask(gateway.target, 'POST', '/api/v1/tasks', { payload: question, retries: 0, deliver: 'nowhere' });
      return async () => {
        await ask(gateway.target, 'DELETE', `/api/v1/jobs/${job.id}`);
        await ask(gateway.target, 'POST', `/api/v1/tasks/${task.id}/cancel`);
      };
    },
  },
  {
    what: 'a job whose times pass while the gateway stands still',
    moves: ['job_slots_fired_total{kind="text"}', 'job_slots_missed_total{kind="text"}'],
    async drive(gateway) {
      const { body: job } = await ask<{ id: string }>(gateway.target, 'POST', '/api/v1/jobs', {
        every: '1s',
        payload: { kind: 'text', text: 'tea' },
        deliver: 'nowhere',
      });
      gateway.daemon.signal('SIGSTOP');
      await sleep(3000);
      gateway.daemon.signal('SIGCONT');
      return () => ask(gateway.target, 'DELETE', `/api/v1/jobs/${job.id}`);
    },
  },
  {
    what: 'a task that is done',
    moves: [
      'tasks_total{kind="text",outcome="completed"}',
      'task_wait_seconds{kind="text"}',
      'task_seconds{kind="text"}',
    ],
    drive: async (gateway) =>
      void (await ask(gateway.target, 'POST', '/api/v1/tasks', {
        payload: { kind: 'text', text: 'tea' },
        deliver: 'nowhere',
      })),
  },
  {
    what: 'a task that takes its time',
    moves: ['tasks_active'],
    async drive(gateway) {
      gateway.model.answer = { headersDelayMs: longMs };
      const { body: task } = await ask<{ id: string }>(gateway.target, 'POST', '/api/v1/tasks', {
        payload: { kind: 'ask', prompt: 'hello' },
        deliver: 'nowhere',
      });
      return async () => {
        gateway.model.answer = {};
        await ask(gateway.target, 'POST', `/api/v1/tasks/${task.id}/cancel`);
      };
    },
  },
  {
    what: 'a platform that refuses a message',
    moves: ['deliveries_total{outcome="dead"}', 'dead_letters'],
    async drive(gateway) {
      gateway.telegram.fail(
        1,
        { mode: 'code', code: 403, description: 'Forbidden: bot was blocked by the user' },
        'sendMessage',
      );
      gateway.telegram.inject({ chatId: ada, text: 'hello' });
    },
  },
  {
    what: 'a platform that takes messages and loses its answers',
    moves: ['deliveries_total{outcome="uncertain"}', 'outbox_uncertain'],
    async drive(gateway) {
      gateway.telegram.fail(2, { mode: 'lost' }, 'sendMessage');
      gateway.telegram.inject({ chatId: ada, text: 'hello' });
    },
  },
  {
    what: 'a paused channel',
    moves: ['channels{state="connected"}', 'channels{state="stopped"}', 'channel_connected{channel="telegram:main"}'],
    drive: async (gateway) => {
      const act = (action: string): Promise<unknown> =>
        ask(gateway.target, 'POST', `/api/v1/channels/telegram:main/${action}`);
      await act('pause');
      return () => act('resume');
    },
  },
  {
    what: 'a provider that fails while there is another',
    moves: ['provider_fallbacks_total{provider="m"}', 'provider_up{provider="m"}'],
    async drive(gateway) {
      gateway.model.next('unauthorized');
      await say(gateway, {});
    },
  },
  {
    what: 'a process that stands still for a moment, and time that passes',
    moves: [
      'event_loop_delay_seconds{quantile="1"}',
      'uptime_seconds',
      'heap_used_bytes',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
    ],
    async drive(gateway) {
      // Longer than it ever did by itself.
      const latest = (await gateway.samples()).get('openclanker_event_loop_delay_seconds{quantile="1"}') ?? 0;
      gateway.daemon.signal('SIGSTOP');
      await sleep(latest * 1000 + 300);
      gateway.daemon.signal('SIGCONT');
    },
  },
  {
    what: 'a platform that does not answer',
    moves: ['delivery_active', 'outbox_pending'],
    async drive(gateway) {
      gateway.telegram.fail(1, { mode: 'hang' }, 'sendMessage');
      gateway.telegram.inject({ chatId: ben, text: 'hello' });
    },
  },
];
