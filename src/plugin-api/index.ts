/**
 * What a plugin is written against, version 1: types only, imported as `open-clanker/plugin`. docs/writing-a-plugin.md
 * walks through it. Within a version nothing is taken away and nothing changes its meaning.
 */
import type { Channel } from '../core/ports/channel.ts';
import type { HttpClient } from '../core/ports/http-client.ts';
import type { JsonObject } from '../core/message.ts';
import type { PersonRole } from '../core/principal.ts';
import type { Provider, ProviderConfig } from '../core/ports/provider.ts';
import type { Clock, Log, Random } from '../core/ports/system.ts';
import type { Effect } from '../core/ports/tool.ts';

export type * from '../core/ports/channel.ts';
export type * from '../core/ports/http-client.ts';
export type * from '../core/ports/provider.ts';
export type { Attachment, ConversationRef, JsonObject, JsonValue, MessageRef, OutboundBody } from '../core/message.ts';
export type { RichText } from '../core/rich-text.ts';
export type { Effect, PersonRole };

/**
 * What a plugin asks for in its manifest and an operator grants in `[plugins.NAME]`. `tool`, `provider`, `channel`: to
 * add one. `network`: `host.http`. `files`: `host.folder`. They decide what the host gives and takes, and tell an
 * operator what a plugin is for; they are no sandbox: a plugin runs in the gateway's process with its rights.
 */
export type Capability = 'tool' | 'provider' | 'channel' | 'network' | 'files';

/** `open-clanker.plugin.json`, beside the plugin's code. */
export interface PluginManifest {
  /** `[a-z][a-z0-9_-]{0,31}`; an operator configures it under this name. */
  name: string;
  version: string;
  /** The version of this API. */
  api: 1;
  /** The module that exports `activate`, relative to the manifest: `.js`, `.mjs`, `.cjs` or, outside node_modules, `.ts`. */
  entry: string;
  capabilities: Capability[];
  /** One sentence for the operator. */
  description: string;
}

/** What a plugin is given. */
export interface PluginHost {
  readonly api: 1;
  readonly name: string;
  /** `[plugins.NAME.options]` as written; check it and throw an Error with the fix in words. */
  readonly options: JsonObject;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the plugin is switched off, begins anew with other options, or the gateway stops. */
  readonly signal: AbortSignal;
  /** With `network`. */
  readonly http?: HttpClient;
  /** With `files`: a folder of the plugin's own in the data directory. */
  readonly folder?: string;
}

/** What a plugin adds. A part that its manifest does not ask for is refused. */
export interface PluginParts {
  tools?: PluginTools;
  /** Makes the one account of its channel, of the type NAME; called anew whenever the channel begins. */
  channel?: () => Channel | Promise<Channel>;
  /** Makes a provider for `[providers.NAME] api = "plugin"`. Its `dialect` is `plugin`. */
  provider?: (config: ProviderConfig) => Provider | Promise<Provider>;
  /** Called once, when it is switched off; has five seconds, and half a second when the gateway stops. */
  stop?: () => void | Promise<void>;
}

/** The function that the entry exports under the name `activate`. It has ten seconds. */
export type Activate = (host: PluginHost) => PluginParts | Promise<PluginParts>;

/** Tools that are needed together: the model sees `about` until a turn shows that it needs them. */
export interface PluginTools {
  /** In at most 60 characters. */
  about: string;
  /** Beginnings of words, in lower case and in any language, that show the need in what a person writes. */
  keywords: readonly string[];
  tools: readonly PluginTool[];
}

export interface PluginTool {
  /** `[a-z][a-z0-9_]*`; the model knows it as `plugin_NAME__<name>`. */
  name: string;
  /** For the model: what it does and when to use it. Every character is sent whenever the tool is. At most 1000. */
  description: string;
  parameters: ObjectSchema;
  /** The most that a call can do to the world; approvals and the parallel running of calls follow from it. */
  effects: readonly Effect[];
  /** What a call with these arguments does. Default: all of `effects`. */
  effectsOf?: (args: JsonObject) => readonly Effect[];
  /** Harmless to repeat after a crash that hid its outcome. Default: when it only reads. */
  idempotent?: boolean;
  /** Milliseconds; default: `tools.timeout`. */
  timeoutMs?: number;
  /** The least role that may use it. Default: member. */
  role?: PersonRole;
  /** Gets arguments that fit `parameters`. What it throws is told to the model as a failure. */
  run: (args: JsonObject, call: PluginCall) => PluginResult | string | Promise<PluginResult | string>;
}

/** The part of JSON Schema that arguments may have. Properties that are not named are refused. */
export interface ObjectSchema {
  type: 'object';
  description?: string;
  properties: Readonly<Record<string, ValueSchema>>;
  required?: readonly string[];
}

export type ValueSchema =
  | { type: 'string'; description?: string; enum?: readonly string[]; minLength?: number; maxLength?: number }
  | { type: 'integer' | 'number'; description?: string; minimum?: number; maximum?: number }
  | { type: 'boolean'; description?: string }
  | { type: 'array'; description?: string; items: ValueSchema; maxItems?: number }
  | ObjectSchema;

/** Who calls, set by the gateway and never by the model. */
export interface PluginCall {
  /** The person whose data the call may touch. */
  person: string;
  role: PersonRole;
  /** Null for the default agent. */
  agent: string | null;
  channel: string;
  chatType: 'direct' | 'group';
  /** BCP 47, or null while unknown. */
  language: string | null;
  /** Aborts when the run is over or the tool's time is up. */
  signal: AbortSignal;
}

export interface PluginResult {
  /** What the model reads. */
  text: string;
  isError?: boolean;
  /** Where the text comes from when others may have written it, such as `web page`: it is fenced, and what follows is watched. */
  outside?: string;
}
