import type { Button } from '../../core/message.ts';
import type { Words } from '../../core/notices/index.ts';
import type { ApprovalRow } from '../../core/ports/approval-store.ts';
import { readsOnly } from '../../core/ports/tool.ts';
import { may } from '../../core/roles.ts';
import { isJobSessionKey } from '../../core/session-key.ts';
import { shownArguments } from '../../core/shown-arguments.ts';
import { formatDuration } from '../../core/units.ts';
import { visible } from '../../core/visible.ts';
import { answerCommand, sealOf } from './digest.ts';

/** The question as Markdown: everything in it that a model or others wrote is data, and looks like it. */
export function questionText(row: ApprovalRow, { approvals: words }: Words): string {
  const { id, tool, args, channel, effects, tainted, createdAt, expiresAt } = row;
  const shown = shownArguments(args);
  // Nobody is asked because something is looked at, when it does more than that.
  const told = readsOnly(effects) ? effects : effects.filter((effect) => effect !== 'read');
  const lines = [
    words.wants(
      visible(tool).replaceAll('`', "'"),
      told.map((effect) => words.effects[effect]),
    ),
    shown.text,
  ];
  if (!shown.complete) lines.push(words.whole(`open-clanker approvals show ${id}`));
  if (tainted !== null) lines.push(words.outside(inMarkdown(visible(tainted))));
  const within = formatDuration(expiresAt - createdAt);
  const approve = `open-clanker approvals approve ${id}`;
  if (isJobSessionKey(row.sessionKey))
    lines.push(words.answerAnywhere(within, answerCommand('approve', row), answerCommand('deny', row)));
  else
    lines.push(
      mayAnswer(row)
        ? words.howToAnswer(within, sealOf(row), channel === 'api' ? approve : null)
        : words.ownerAnswers(within, approve, sealOf(row)),
    );
  return lines.join('\n\n');
}

export const questionButtons = (row: ApprovalRow, { approvals: words }: Words): Button[] =>
  mayAnswer(row)
    ? [
        { label: words.approve, command: answerCommand('approve', row) },
        { label: words.deny, command: answerCommand('deny', row) },
      ]
    : [];

/** Whether who is asked can answer at all: guests may use no commands. */
const mayAnswer = ({ role }: ApprovalRow): boolean => may(role, 'command');

const inMarkdown = (text: string): string => text.replaceAll('\n', ' ').replaceAll(/[\\*_~<>[\]!#|`]/g, '\\$&');
