/** From what a cron expression names on the clock to the moments at which it is due, changes of the clock included. */
import { dayMs, type Zone } from '../../core/zone.ts';
import type { CronExpression } from './cron.ts';

/** Null: none in the next centuries. */
export function nextOfCron(cron: CronExpression, clock: Zone, after: number): number | null {
  return cron.follows ? nextShown(cron, clock, after) : nextNamed(cron, clock, after);
}

/** Of times of the day: each is due once, at the first moment at which it is shown, or at which it is skipped. */
function nextNamed(cron: CronExpression, clock: Zone, after: number): number | null {
  let wall = clock.wall(after);
  if (clock.at(wall) < after) {
    // The hour is shown for the second time, and all that it names was due in the first: go on at its end.
    const change = clock.change(after - dayMs, after);
    if (change !== null) wall = change + clock.offset(change - 1000) - 1000;
  }
  const due = cron.next(wall);
  return due === null ? null : clock.at(due);
}

/** Of what follows the clock: due whenever it is shown, and only then. */
function nextShown(cron: CronExpression, clock: Zone, after: number): number | null {
  let at = after;
  let shown = clock.wall(at);
  for (;;) {
    const wall = cron.next(shown);
    if (wall === null) return null;
    const due = wall - clock.offset(at);
    const change = clock.change(at, Math.min(due, at + near));
    if (change !== null) {
      at = change;
      shown = clock.wall(at) - 1000;
    } else if (due <= at + near) {
      return due;
    } else {
      // Until shortly before, no clock can show it, however it is changed meanwhile.
      at = Math.max(at + near, due - near);
      shown = clock.wall(at);
    }
  }
}

/** So close that the clock is changed once at most. More than any change moves it. */
const near = 2 * dayMs;
