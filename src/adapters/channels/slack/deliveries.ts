/** What Slack delivers, the same over a socket and over HTTP: events, slash commands, presses of buttons. */

export type Delivery =
  | { type: 'event'; payload: EventPayload }
  | { type: 'command'; payload: CommandPayload }
  | { type: 'interaction'; payload: InteractionPayload };

/** https://docs.slack.dev/apis/events-api; everything in it is checked where it is read. */
export interface EventPayload {
  event_id?: unknown;
  event?: SlackEvent | null;
}

export interface SlackFile {
  id?: unknown;
  name?: unknown;
  mimetype?: unknown;
  size?: unknown;
}

export interface SlackMessage {
  type?: unknown;
  subtype?: unknown;
  hidden?: unknown;
  channel?: unknown;
  channel_type?: unknown;
  user?: unknown;
  bot_id?: unknown;
  text?: unknown;
  ts?: unknown;
  thread_ts?: unknown;
  parent_user_id?: unknown;
  edited?: unknown;
  files?: SlackFile[] | null;
  attachments?: { text?: unknown; fallback?: unknown; is_share?: unknown; is_msg_unfurl?: unknown }[] | null;
  /** Only in what is read from the history. */
  metadata?: { event_type?: unknown; event_payload?: { key?: unknown } | null } | null;
}

export interface SlackEvent extends SlackMessage {
  event_ts?: unknown;
  /** Of `message_changed`. */
  message?: SlackMessage | null;
  previous_message?: SlackMessage | null;
  /** Of `reaction_added` and `reaction_removed`. */
  reaction?: unknown;
  item?: { type?: unknown; channel?: unknown; ts?: unknown } | null;
  /** Of `member_joined_channel`. */
  inviter?: unknown;
}

/** https://docs.slack.dev/interactivity/implementing-slash-commands */
export interface CommandPayload {
  command?: unknown;
  text?: unknown;
  user_id?: unknown;
  user_name?: unknown;
  channel_id?: unknown;
  trigger_id?: unknown;
  response_url?: unknown;
}

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
export interface InteractionPayload {
  type?: unknown;
  trigger_id?: unknown;
  response_url?: unknown;
  user?: { id?: unknown; username?: unknown; name?: unknown } | null;
  channel?: { id?: unknown } | null;
  container?: { channel_id?: unknown; message_ts?: unknown; thread_ts?: unknown } | null;
  message?: { ts?: unknown; thread_ts?: unknown } | null;
  actions?: { value?: unknown; action_ts?: unknown; action_id?: unknown }[] | null;
}

const envelopeTypes: Record<string, Delivery['type']> = {
  events_api: 'event',
  slash_commands: 'command',
  interactive: 'interaction',
};

/** What an envelope of Socket Mode holds; null for kinds that are not ours to act on. */
export function ofEnvelope(type: unknown, payload: unknown): Delivery | null {
  const known = typeof type === 'string' ? envelopeTypes[type] : undefined;
  if (known === undefined || typeof payload !== 'object' || payload === null) return null;
  return { type: known, payload };
}
