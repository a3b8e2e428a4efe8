import type { ReadHead } from '../../../core/front-matter.ts';
import { named } from '../../../core/name-patterns.ts';
import type { Clock, Log } from '../../../core/ports/system.ts';
import { type BrokenSkill, type Scan, type Skill, type SkillFolder, SkillScanner } from './scan.ts';

/** What a call finds is never older than this; a folder that nobody asks about is looked at as often. */
const freshMs = 1000;
const watchMs = 5000;

export interface SkillsSettings {
  enabled: boolean;
  folders: readonly SkillFolder[];
  allow: readonly string[];
  deny: readonly string[];
}

interface SkillShelfDeps {
  clock: Clock;
  log: Log;
  settings: () => SkillsSettings;
  /** Loads what reads front matter, when the first skill is found. */
  loadReader: () => Promise<ReadHead>;
}

/** The skills there are, kept as they are on disk: what is added, changed or removed is seen within seconds. */
export class SkillShelf {
  readonly #deps: SkillShelfDeps;
  readonly #scanner: SkillScanner;
  #scan: Scan = { skills: [], broken: [] };
  #scannedAt = -Infinity;
  #scannedWith: SkillsSettings | null = null;
  #scanning: Promise<void> | null = null;

  constructor(deps: SkillShelfDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'skills' }) };
    this.#scanner = new SkillScanner(deps.loadReader);
  }

  /** Those of the last look that the configuration offers, by name. */
  get skills(): readonly Skill[] {
    const { enabled, allow, deny } = this.#deps.settings();
    if (!enabled) return [];
    return this.#scan.skills.filter(({ name }) => named(allow, name) && !named(deny, name));
  }

  get broken(): readonly BrokenSkill[] {
    return this.#scan.broken;
  }

  /** Looks at the disk unless that was done a moment ago. */
  async refresh(): Promise<void> {
    const { clock, settings } = this.#deps;
    const now = settings();
    if (!now.enabled) return;
    if (this.#scannedWith === now && clock.monotonic() - this.#scannedAt < freshMs) return;
    this.#scanning ??= this.#look(now).finally(() => (this.#scanning = null));
    await this.#scanning;
  }

  /** Looks again and again until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh();
      await this.#deps.clock.sleep(watchMs, signal).catch(() => undefined);
    }
  }

  async #look(settings: SkillsSettings): Promise<void> {
    const { clock, log } = this.#deps;
    const before = this.#scan;
    this.#scan = await this.#scanner.scan(settings.folders);
    this.#scannedAt = clock.monotonic();
    this.#scannedWith = settings;
    const names = (list: readonly Skill[]): string => list.map(({ name }) => name).join(' ');
    if (names(before.skills) !== names(this.#scan.skills))
      log.info('the skills that are offered', { skills: names(this.#scan.skills) });
    const told = new Set(before.broken.map(({ folder, reason }) => `${folder} ${reason}`));
    for (const { folder, reason } of this.#scan.broken) {
      if (!told.has(`${folder} ${reason}`)) log.warn(`a skill is not offered: ${folder}: ${reason}`);
    }
  }
}
