import type { JsonObject, JsonValue } from './message.ts';
import { visible } from './visible.ts';

const maxArguments = 20;
const maxNameLength = 60;
/** Of one value: its beginning and its end, as what matters may stand at either. */
const headLength = 500;
const tailLength = 200;
const maxLength = 2500;

/**
 * The arguments of a call for whoever approves it, as a fenced block of Markdown that they cannot get out of. `complete`
 * is false when something had to be left out.
 */
export function shownArguments(args: JsonObject): { text: string; complete: boolean } {
  const entries = Object.entries(args);
  let complete = entries.length <= maxArguments;
  let text = '';
  for (const [name, value] of entries.slice(0, maxArguments)) {
    const whole = textOf(value);
    const room = Math.max(0, maxLength - text.length);
    const [head, tail] = room < headLength + tailLength ? [room, 0] : [headLength, tailLength];
    const cut = whole.length > head + tail;
    complete &&= !cut && name.length <= maxNameLength;
    text += `${visible(name.slice(0, maxNameLength)).replaceAll('\n', number)}:${block(cut ? shortened(whole, head, tail) : visible(whole))}\n`;
  }
  if (entries.length > maxArguments) text += `⟨+ ${entries.length - maxArguments}⟩\n`;
  return { text: fenced(text === '' ? '–\n' : text), complete };
}

const number = '⟨U+000A⟩';

const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

function shortened(whole: string, head: number, tail: number): string {
  const left = whole.length - head - tail;
  return `${visible(whole.slice(0, head))} ⟨… ${left} …⟩ ${visible(tail === 0 ? '' : whole.slice(-tail))}`;
}

/** A value of several lines is set off, so that none of them passes for an argument of its own. */
const block = (value: string): string => (value.includes('\n') ? `\n${value.replaceAll(/^/gm, '│ ')}` : ` ${value}`);

function fenced(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}${fence}`;
}
