/** What of the receive side outlives the process: stored in the same commit as the events it stands for. */
import { isSnowflake } from './snowflake.ts';

export const gatewayCursor = 'gateway';
export const identifyCursor = 'identifies';

/** What it takes to go on where we were: https://discord.com/developers/docs/topics/gateway#resuming */
export interface GatewaySession {
  id: string;
  /** `resume_gateway_url` */
  url: string;
  /** The sequence number of the last dispatch. */
  seq: number;
}

export interface GatewayCursor {
  session: GatewaySession | null;
  /** The latest message of any channel; null before the first. */
  latest: string | null;
  /** Channels that are caught up after a gap, with the last message known of each. */
  channels: [string, string][];
}

export const cursorText = (cursor: GatewayCursor): string => JSON.stringify(cursor);

/** Whatever cannot be read is left out: the platform is then asked as if for the first time. */
export function parseCursor(text: string | undefined): GatewayCursor {
  const nothing: GatewayCursor = { session: null, latest: null, channels: [] };
  try {
    const { session, latest, channels } = JSON.parse(text ?? 'null') as Partial<GatewayCursor>;
    return {
      session: isSession(session) ? session : null,
      latest: isSnowflake(latest) ? latest : null,
      channels: (channels ?? []).filter(([channel, last]) => isSnowflake(channel) && isSnowflake(last)),
    };
  } catch {
    return nothing;
  }
}

const isSession = (session: GatewaySession | null | undefined): session is GatewaySession =>
  typeof session?.id === 'string' && typeof session.url === 'string' && Number.isSafeInteger(session.seq);
