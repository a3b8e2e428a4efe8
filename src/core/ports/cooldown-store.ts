/** Models that are left alone for a while: a part of the Store, under its promises. */

export interface CooldownRow {
  provider: string;
  model: string;
  until: number;
  kind: string;
  failures: number;
}

export interface CooldownStore {
  cooldowns(): Promise<CooldownRow[]>;
  saveCooldown(row: CooldownRow): Promise<void>;
  clearCooldown(provider: string, model: string): Promise<void>;
}
