import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { ToolGroup } from '../../../core/ports/tool.ts';

interface ClockDeps {
  clock: Clock;
  /** The zone a person lives in. */
  timeZone: (person: string) => Promise<string>;
}

/** What time it is. */
export function clockTools({ clock, timeZone }: ClockDeps): ToolGroup {
  return {
    name: 'clock',
    about: 'current date and time, anywhere',
    keywords: [
      'time',
      'date',
      'today',
      'tomorrow',
      'yesterday',
      'what day',
      'uhr',
      'zeit',
      'spät',
      'heute',
      'morgen',
      'gestern',
      'datum',
      'hora',
      'fecha',
      'hoy',
      'mañana',
      'ayer',
      'heure',
      'aujourd',
      'demain',
    ],
    tools: [
      defineTool({
        name: 'current_time',
        description: "Date and time; zone: IANA name, default the person's.",
        input: () => z.strictObject({ zone: z.exactOptional(z.string()) }),
        effects: ['read'],
        role: 'guest',
        async run({ zone }, { person }) {
          const text = timeIn(zone ?? (await timeZone(person)), clock.now());
          if (text !== null) return { text };
          return { text: 'There is no such time zone; give a name such as Europe/Berlin or UTC.', isError: true };
        },
      }),
    ],
  };
}

/** `2026-01-15T13:00:00+01:00 Thursday (Europe/Berlin)`; null when there is no such zone. */
function timeIn(timeZone: string, now: number): string | null {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en', {
      timeZone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      weekday: 'long',
      timeZoneName: 'longOffset',
    });
  } catch {
    return null;
  }
  const part = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const { year, month, day, hour, minute, second, weekday, timeZoneName = '' } = part;
  const offset = timeZoneName.replace('GMT', '') || '+00:00';
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${offset} ${weekday} (${format.resolvedOptions().timeZone})`;
}
