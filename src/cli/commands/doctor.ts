import type { Handler, Invocation } from '../command.ts';
import { diagnose, diagnoseSafety } from '../doctor/diagnose.ts';
import type { Finding } from '../doctor/facts.ts';
import { gather } from '../doctor/gather.ts';

export const doctor: Handler = async (invocation) =>
  tell(invocation, diagnose(await gather(invocation)), 'Nothing is wrong.');

export const audit: Handler = async (invocation) =>
  tell(invocation, diagnoseSafety(await gather(invocation)), 'Nothing is unsafe.');

function tell({ terminal, options }: Invocation, findings: Finding[], allIsWell: string): number {
  if (options.has('json')) terminal.json({ ok: findings.length === 0, findings });
  else if (findings.length === 0) terminal.line(allIsWell);
  else for (const { problem, fix } of findings) terminal.line(`✖ ${problem} → ${fix}`.replaceAll('\n', ' '));
  return findings.length === 0 ? 0 : 1;
}
