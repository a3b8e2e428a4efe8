/** What calls of tools are allowed, asked about or refused: a pure rule over what the configuration says. */
import { named } from './name-patterns.ts';
import type { Effect } from './ports/tool.ts';
import type { PersonRole } from './principal.ts';

/** From the loosest to the strictest. */
export const decisions = ['allow', 'ask', 'deny'] as const;
export type Decision = (typeof decisions)[number];

/** What one layer says; about an effect that it does not name it has no opinion. */
export type EffectRules = Partial<Record<Effect, Decision>> & {
  /** For every effect but `read` once text from outside is in the context. */
  tainted?: Decision;
};

/** Of a tool by name: `always` is `allow` that holds with text from outside in the context, too. */
export const toolDecisions = [...decisions, 'always'] as const;
export type ToolDecision = (typeof toolDecisions)[number];

export interface ToolPolicy {
  /** For everybody, everywhere. */
  base: EffectRules;
  roles: Partial<Record<PersonRole, EffectRules>>;
  /** By type of channel; `api` for API clients. */
  channels: Readonly<Record<string, EffectRules>>;
  agents: Readonly<Record<string, EffectRules>>;
  /** By name of a tool; `*` stands for any characters. */
  tools: Readonly<Record<string, ToolDecision>>;
}

export interface PolicyQuestion {
  tool: string;
  effects: readonly Effect[];
  role: PersonRole;
  channel: string;
  /** Null for the default agent. */
  agent: string | null;
  /** Where text from outside in the context came from; null without any. */
  tainted: string | null;
}

/** `because`: what decided when it is not `allow`. */
export interface PolicyAnswer {
  decision: Decision;
  because: 'policy' | 'tainted' | null;
}

const stricter = (a: Decision, b: Decision): Decision => (decisions.indexOf(a) >= decisions.indexOf(b) ? a : b);

const strictest = (list: readonly (Decision | undefined)[]): Decision =>
  list.reduce<Decision>((so, next) => stricter(so, next ?? 'allow'), 'allow');

/**
 * The strictest of all that applies: the layers for everybody, the role, the channel and the agent, for each effect of
 * the call. A tool's own line may make that stricter, or turn an `ask` into `allow`, never a `deny`. Text from outside
 * then asks for its own decision, which only `always` sets aside.
 */
export function decide(policy: ToolPolicy, question: PolicyQuestion): PolicyAnswer {
  const { tool, effects, role, channel, agent, tainted } = question;
  const layers = [
    policy.base,
    policy.roles[role],
    own(policy.channels, channel),
    agent === null ? undefined : own(policy.agents, agent),
  ];
  const byEffect = strictest(layers.flatMap((layer) => effects.map((effect) => layer?.[effect])));
  const byName = ofTool(policy.tools, tool);
  const decision = withName(byEffect, byName);
  const acts = effects.some((effect) => effect !== 'read');
  if (tainted === null || !acts || byName === 'always') return { decision, because: reasonOf(decision, 'policy') };
  const byTaint = strictest(layers.map((layer) => layer?.tainted));
  const because = stricter(decision, byTaint) === decision ? 'policy' : 'tainted';
  const both = stricter(decision, byTaint);
  return { decision: both, because: reasonOf(both, because) };
}

const reasonOf = <T>(decision: Decision, because: T): T | null => (decision === 'allow' ? null : because);

function withName(byEffect: Decision, byName: ToolDecision | null): Decision {
  if (byName === null || byEffect === 'deny') return byEffect;
  if (byName === 'always' || byName === 'allow') return 'allow';
  return stricter(byEffect, byName);
}

/** The line of exactly this name, else the strictest of the patterns that fit it. */
function ofTool(tools: ToolPolicy['tools'], name: string): ToolDecision | null {
  const exact = own(tools, name);
  if (exact !== undefined) return exact;
  const fitting = Object.entries(tools).flatMap(([pattern, decision]) => (named([pattern], name) ? [decision] : []));
  if (fitting.length === 0) return null;
  if (fitting.every((decision) => decision === 'always')) return 'always';
  return strictest(fitting.map((decision) => (decision === 'always' ? 'allow' : decision)));
}

/** Names come from outside: what an object has from its prototype is no rule. */
const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
