/** Public holidays, by date-holidays. Its rules weigh many megabytes: loaded with the first job that has a use for them. */
import Holidays from 'date-holidays';
import { dayMs } from '../../core/zone.ts';

/** Places whose rules are kept, and years of places whose days are. A year is reckoned in 4 to 80 ms, most where the moon rules. */
const maxPlaces = 8;
const maxYears = 64;

const noonMs = dayMs / 2;

/** The public holidays of places: `DE`, a state `DE-BY`, or a region of it `DE-BY-A`. */
export class HolidayBook {
  readonly #countries = new Holidays();
  /** Of all countries; the library takes milliseconds to tell them. */
  #codes: ReadonlySet<string> | null = null;
  readonly #rules = new Map<string, Holidays>();
  readonly #years = new Map<string, ReadonlySet<number>>();

  /** Whether a day, by its beginning in wall milliseconds, is one. Throws what `problem` tells. */
  has(place: string, day: number): boolean {
    const date = new Date(day);
    const year = date.getUTCFullYear();
    // One that lasts for days belongs to the year it begins in.
    const years = date.getUTCMonth() === 0 ? [year, year - 1] : [year];
    return years.some((of) => this.#daysOf(place.toUpperCase(), of).has(day));
  }

  problem(place: string): string | null {
    const [country = '', state, region, ...more] = place.toUpperCase().split('-');
    this.#codes ??= new Set(Object.keys(this.#countries.getCountries()));
    if (!this.#codes.has(country))
      return `there are no holidays of "${place.slice(0, 20)}"; a country is two letters such as DE, a region of it DE-BY.`;
    if (state === undefined) return null;
    const states = this.#countries.getStates(country) ?? {};
    if (!Object.hasOwn(states, state)) return unknownPart(place, country, states);
    if (region === undefined) return null;
    const regions = this.#countries.getRegions(country, state) ?? {};
    if (!Object.hasOwn(regions, region) || more.length > 0) return unknownPart(place, `${country}-${state}`, regions);
    return null;
  }

  #daysOf(place: string, year: number): ReadonlySet<number> {
    const key = `${place} ${year}`;
    const days = this.#years.get(key) ?? publicDays(this.#rulesOf(place), year);
    keep(this.#years, key, days, maxYears);
    return days;
  }

  #rulesOf(place: string): Holidays {
    const known = this.#rules.get(place);
    if (known === undefined) {
      const problem = this.problem(place);
      if (problem !== null) throw new Error(problem);
    }
    // Reckoned as if the place were in UTC, its dates are wall milliseconds, and no change of its clocks moves one.
    const rules = known ?? new Holidays(place, { types: ['public'], timezone: 'UTC' });
    keep(this.#rules, place, rules, maxPlaces);
    return rules;
  }
}

/** Half days, which begin or end at noon or near it, are days like others: a day is off when its noon lies within. */
function publicDays(rules: Holidays, year: number): Set<number> {
  const days = new Set<number>();
  for (const { start, end, type } of rules.getHolidays(year)) {
    if (type !== 'public') continue;
    const first = Math.floor(start.getTime() / dayMs) * dayMs;
    for (let day = first; day < end.getTime(); day += dayMs)
      if (start.getTime() < day + noonMs && end.getTime() > day + noonMs) days.add(day);
  }
  return days;
}

function unknownPart(place: string, of: string, parts: Record<string, string>): string {
  const codes = Object.keys(parts).filter((code) => code === code.toUpperCase());
  const known = codes.length === 0 ? `${of} has no regions of its own` : `${of} has ${codes.slice(0, 60).join(', ')}`;
  return `there are no holidays of "${place.slice(0, 20)}"; ${known}.`;
}

/** As the one that was used last; the one used longest ago goes. */
function keep<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}
