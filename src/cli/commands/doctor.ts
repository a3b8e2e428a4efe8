import type { Handler } from '../command.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { gather } from '../doctor/gather.ts';

export const doctor: Handler = async (invocation) => {
  const findings = diagnose(await gather(invocation));
  const { terminal, options } = invocation;
  if (options.has('json')) terminal.json({ ok: findings.length === 0, findings });
  else if (findings.length === 0) terminal.line('Nothing is wrong.');
  else for (const { problem, fix } of findings) terminal.line(`✖ ${problem} → ${fix}`.replaceAll('\n', ' '));
  return findings.length === 0 ? 0 : 1;
};
