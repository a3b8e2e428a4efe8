import { dayMs, zoneNamed } from './zone.ts';

const minuteMs = 60_000;

/**
 * When the quiet hours end that `now` lies in, both in milliseconds since the epoch; null: it lies in none. It is quiet
 * while a clock in the zone shows a time from the first, included, to the second, not included: `22:00-07:00`, as
 * `quietHoursOf` gives it. Where the clock is changed meanwhile, it ends when the clock shows another time.
 */
export function quietUntil(quietHours: string, zone: string, now: number): number | null {
  const [from = 0, to = 0] = quietHours.split('-').map(minuteOf);
  const clock = zoneNamed(zone);
  let at = now;
  for (;;) {
    const left = quietLeft(from, to, clock.wall(at));
    if (left === 0) return at === now ? null : at;
    const change = clock.change(at, at + left);
    if (change === null) return at + left;
    at = change;
  }
}

const minuteOf = (text: string): number => {
  const [hour = 0, minute = 0] = text.split(':').map(Number);
  return hour * 60 + minute;
};

/** Milliseconds that a clock that shows this has to go to the end of the quiet hours; 0: it is not quiet. */
function quietLeft(from: number, to: number, wall: number): number {
  const ofDay = (of: number): number => (of + dayMs) % dayMs;
  const length = ofDay((to - from) * minuteMs);
  const gone = ofDay((wall % dayMs) - from * minuteMs);
  return gone < length ? length - gone : 0;
}
