/**
 * What date-holidays asks of moment-timezone, by what we have. The build puts this in its place: tables of zones, which
 * Node has itself, would be half of all that holidays load.
 */
import { wallTimeOf, zoneNamed } from '../../core/zone.ts';

interface Shown {
  /** 0 to 11. */
  month(): number;
  /** 1 to 31. */
  date(): number;
}

const shown = (wall: number): Shown => ({
  month: () => wallTimeOf(wall).month - 1,
  date: () => wallTimeOf(wall).day,
});

/** An equinox or solstice, as an ISO time, on the clock of a place: `+09:00` or the name of a zone. */
function moment(text: string): { utcOffset(offset: string): Shown; tz(zone: string): Shown } {
  const at = Date.parse(text);
  return {
    // What a clock shows that is ahead is what UTC will be: 1970-01-01T00:00+09:00 was nine hours before 0.
    utcOffset: (offset) => shown(at - Date.parse(`1970-01-01T00:00${offset}`)),
    tz: (zone) => shown(zoneNamed(zone).wall(at)),
  };
}

/** The moment at which clocks in a zone show `2026-12-24 18:00:00`. */
moment.tz = (text: string, zone: string) => ({
  format: () => new Date(zoneNamed(zone).at(Date.parse(`${text.replace(' ', 'T')}Z`))).toISOString(),
});

export default moment;
