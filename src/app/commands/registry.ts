import type { Button } from '../../core/message.ts';
import type { Words } from '../../core/notices/index.ts';
import type { ApprovedCall } from '../../core/ports/gate.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { PersonRow } from '../../core/ports/people-store.ts';
import type { SessionRow } from '../../core/ports/session-store.ts';
import type { PersonRole } from '../../core/principal.ts';
import { commandRole, roleIncludes } from '../../core/roles.ts';

export interface CommandContext {
  inbound: InboxRow;
  session: SessionRow;
  /** What stands after the command's name, trimmed. */
  argument: string;
  /** Who asks; in a group the sender, not whose session it is. */
  person: PersonRow;
  /** What the sender may do here. */
  role: PersonRole;
  /** In the person's language. */
  words: Words;
}

/** What a command answers, as Markdown, with buttons where the platform has them. */
export interface CommandAnswer {
  text: string;
  buttons?: Button[];
  /** Holds a one-time code: not kept longer than its delivery takes. */
  sensitive?: true;
  /**
   * A call of the model that its person approved just now: the run goes on with it, and what the model says then is the
   * answer; `text` is not shown.
   */
  approved?: ApprovedCall;
  /** What the model is told of it, with the next message of the session. */
  note?: string;
}

/** A slash command of chats; each part of the product registers its own. Its one line stands in `Words.summaries`. */
export interface Command {
  /** Without the slash. */
  name: string;
  /** The least role that may use it; checked when it runs. Default: member. */
  role?: PersonRole;
  /** May run again after a crash, so it must be harmless to repeat. */
  run(context: CommandContext): Promise<string | CommandAnswer>;
  /**
   * What must happen at once on arrival, before the messages that wait in front of it are answered. Nobody's role is
   * asked then, so only commands for guests may have it.
   */
  now?(inbound: { sessionKey: string }): void;
}

export const mayRun = (role: PersonRole, command: Command): boolean => roleIncludes(role, command.role ?? commandRole);

/** In which commands are listed. */
const order: readonly string[] =
  'start help new stop status model usage remind jobs tasks notes forget settings lang why approve deny whoami pair'.split(
    ' ',
  );

export class CommandRegistry {
  readonly #commands = new Map<string, Command>();

  register(command: Command): void {
    if (command.now !== undefined && command.role !== 'guest')
      throw new TypeError(`/${command.name} is not for guests`);
    this.#commands.set(command.name, command);
  }

  /** As people look for them: the conversation first, what was not foreseen here last. */
  list(): Command[] {
    const place = ({ name }: Command): number => (order.includes(name) ? order.indexOf(name) : order.length);
    return [...this.#commands.values()].toSorted((a, b) => place(a) - place(b));
  }

  /** The command a text asks for: `/name`, `/name@bot`, with an argument behind; null for anything else. */
  match(text: string): { command: Command; argument: string } | null {
    const match = /^\/([A-Za-z][A-Za-z0-9_]{0,31})(?:@[A-Za-z0-9_]+)?(?:\s+([\s\S]*))?$/.exec(text.trim());
    const command = match?.[1] === undefined ? undefined : this.#commands.get(match[1].toLowerCase());
    return command === undefined ? null : { command, argument: (match?.[2] ?? '').trim() };
  }
}
