import { ClankerError } from './errors.ts';

const durations: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const sizes: Record<string, number> = {
  B: 1,
  KB: 1000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

function parse(text: string, units: Record<string, number>, example: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const factor = match?.[2] === undefined ? undefined : units[match[2]];
  const value = factor === undefined ? Number.NaN : Number(match?.[1]) * factor;
  if (!Number.isSafeInteger(Math.round(value))) {
    throw new ClankerError(
      'invalid_input',
      'bad_unit',
      `"${text}" is not understood; write it like ${example} (units: ${Object.keys(units).join(', ')}).`,
    );
  }
  return Math.round(value);
}

/** `"30s"`, `"1.5h"`, `"200ms"` → milliseconds. */
export const parseDuration = (text: string): number => parse(text, durations, '"30s"');

/** `"5MB"`, `"256KB"`, `"2MiB"` → bytes. KB is 1000 bytes, KiB 1024. */
export const parseSize = (text: string): number => parse(text, sizes, '"5MB"');

/** 3_725_000 → `"1h 2m"`; for people, never parsed back. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  const words: string[] = [];
  let rest = seconds;
  for (const [size, name] of units) {
    if (rest >= size || (name === 's' && words.length === 0)) {
      words.push(`${Math.floor(rest / size)}${name}`);
      rest %= size;
    }
    if (words.length === 2) break;
  }
  return words.join(' ');
}
