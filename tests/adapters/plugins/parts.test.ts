import assert from 'node:assert/strict';
import { it } from 'node:test';
import { containedChannel } from '../../../src/adapters/plugins/channel.ts';
import { PluginProvider } from '../../../src/adapters/plugins/provider.ts';
import type {
  Channel,
  ChannelContext,
  InboundEvent,
  InboundSink,
  OutboundPart,
} from '../../../src/core/ports/channel.ts';
import type { ModelEvent, ModelRequest, Provider } from '../../../src/core/ports/provider.ts';

const signal = new AbortController().signal;
const part = {} as OutboundPart;
const conversation = { channel: 'board', account: 'main', native: '1' };

const sound: Channel = {
  type: 'board',
  account: 'main',
  capabilities: {
    text: { maxLength: 100, maxSpans: 1 },
    edit: { supported: false, directMs: 0, groupMs: 0 },
    idempotentSend: 'none',
    typing: { supported: false, refreshMs: 0 },
    files: null,
    buttons: false,
    pace: { accountPerSecond: 1, conversationPerSecond: 1, groupPerMinute: 1 },
  },
  start: () => undefined,
  stop: async () => undefined,
  send: async () => ({ ok: true, ref: '1' }),
  conversation: () => conversation,
  chatType: () => 'direct',
  health: () => ({ state: 'connected', detail: '', lastReceiveAt: 0, lastEventAt: 0, identity: null }),
};

function contained(change: object): { channel: Channel; failures: string[]; end: () => void } {
  const failures: string[] = [];
  const ended = new AbortController();
  const channel = containedChannel('board', { ...sound, ...change }, ended.signal, (error) =>
    failures.push(error instanceof Error ? error.message : String(error)),
  );
  return { channel, failures, end: () => ended.abort() };
}

it('a channel that throws while it sends has perhaps sent, and what it makes up is no outcome', async () => {
  const outcomes: unknown[] = [
    () => {
      throw new Error('at once');
    },
    async () => {
      throw new Error('later');
    },
    async () => undefined,
    async () => ({ sent: true }),
  ];
  for (const send of outcomes) {
    const { channel, failures } = contained({ send, edit: send });
    for (const outcome of [
      await channel.send(part, signal),
      await channel.edit?.({ conversation, native: '1' }, { body: { text: '', spans: [] }, final: true }, signal),
    ])
      assert.deepEqual([outcome?.ok, outcome?.ok === false && outcome.kind], [false, 'ambiguous']);
    assert.equal(failures.length, 2);
  }
});

it('methods that a channel does not have stay absent, so that nothing is asked of it in vain', () => {
  const { channel } = contained({});
  const absent = ['edit', 'draft', 'typing', 'findSent', 'fetchAttachment', 'hook'] as const;
  assert.deepEqual(
    absent.filter((method) => Object.hasOwn(channel, method)),
    [],
  );
});

it('a channel speaks for itself: events and conversations of another are not taken', async () => {
  const committed: InboundEvent[][] = [];
  const sink: InboundSink = {
    commit: async (batch) => {
      committed.push(batch);
      return [];
    },
    malformed: () => undefined,
  };
  let inner: InboundSink | undefined;
  const { channel } = contained({
    start: (given: InboundSink) => (inner = given),
    conversation: () => ({ channel: 'telegram', account: 'main', native: '1' }),
  });
  channel.start(sink, {} as ChannelContext);
  const event = (name: string): InboundEvent => ({ conversation: { ...conversation, channel: name } }) as InboundEvent;
  await inner?.commit([event('board')]);
  await assert.rejects(async () => inner?.commit([event('board'), event('telegram')]), /names another channel/);
  assert.equal(committed.length, 1);
  assert.equal(channel.conversation('1').channel, 'board');
});

it('a wrong target is told in the words of the plugin, whose error classes are its own', () => {
  const wrong = Object.assign(new Error('a room is a number'), { kind: 'invalid_input', code: 'bad_room' });
  const { channel } = contained({
    conversation: () => {
      throw wrong;
    },
  });
  assert.throws(() => channel.conversation('x'), {
    name: 'ClankerError',
    code: 'bad_room',
    message: 'a room is a number',
  });
});

it('a channel whose plugin is switched off says so and sends nothing', async () => {
  const { channel, end } = contained({});
  end();
  const outcome = await channel.send(part, signal);
  assert.deepEqual([outcome.ok, outcome.ok ? '' : outcome.kind, channel.health().state], [false, 'transient', 'fatal']);
});

const noChannels: [string, object | null, RegExp][] = [
  ['nothing', null, /no channel/],
  ['one without a send', { send: 1 }, /no function "send"/],
  ['one of another type', { type: 'telegram' }, /not of type "board"/],
  ['one with another account', { account: 'second' }, /not of type/],
  ['one without capabilities', { capabilities: undefined }, /capabilities/],
  [
    'one with an endless pace',
    {
      capabilities: {
        ...sound.capabilities,
        pace: { accountPerSecond: 0, conversationPerSecond: 1, groupPerMinute: 1 },
      },
    },
    /pace\.accountPerSecond/,
  ],
  [
    'one whose texts have no length',
    { capabilities: { ...sound.capabilities, text: { maxLength: 0, maxSpans: 1 } } },
    /text\.maxLength/,
  ],
];
for (const [name, change, message] of noChannels) {
  it(`what is no channel is refused: ${name}`, () => {
    const given = change === null ? (null as unknown as Channel) : ({ ...sound, ...change } as Channel);
    assert.throws(() => containedChannel('board', given, signal, () => undefined), message);
  });
}

async function streamed(stream: Provider['stream'] | string): Promise<{ events: ModelEvent[]; failures: unknown[] }> {
  const failures: unknown[] = [];
  const now = async (): Promise<Provider | string> => (typeof stream === 'string' ? stream : ({ stream } as Provider));
  const provider = new PluginProvider('mine', now, (error) => failures.push(error));
  const events: ModelEvent[] = [];
  await provider.stream({} as ModelRequest, signal, (event) => events.push(event));
  return { events, failures };
}

it('a stream of a plugin has exactly one end, whatever the plugin does', async () => {
  const finish: ModelEvent = { type: 'finish', reason: 'stop', raw: 'stop' };
  const twice = await streamed(async (_request, _signal, emit) => {
    emit({ type: 'text', text: 'a' });
    emit(finish);
    emit({ type: 'text', text: 'b' });
    emit(finish);
  });
  assert.deepEqual(
    twice.events.map(({ type }) => type),
    ['text', 'finish'],
  );
  const open = await streamed(async (_request, _signal, emit) => emit({ type: 'text', text: 'a' }));
  const last = open.events.at(-1);
  assert.deepEqual(last?.type === 'error' && [last.error.kind, last.error.phase], ['stream_incomplete', 'mid_output']);
  const thrown = await streamed(async () => {
    throw new Error('no key');
  });
  const only = thrown.events.at(-1);
  assert.deepEqual(only?.type === 'error' && [only.error.kind, only.error.phase, only.error.detail], [
    'server',
    'before_output',
    'no key',
  ]);
  assert.deepEqual([thrown.events.length, thrown.failures.length], [1, 1]);
});

it('without its plugin a provider says why, and the request was certainly not accepted', async () => {
  const { events } = await streamed('The plugin mine is not loaded: it asks for network.');
  const [event] = events;
  assert.deepEqual(event?.type === 'error' && [event.error.accepted, event.error.detail], [
    'no',
    'The plugin mine is not loaded: it asks for network.',
  ]);
});
