import { ClankerError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';

/** One thing that is wrong with the configuration, and where. */
export interface ConfigIssue {
  /** The file, or what else the value came from: `environment OPEN_CLANKER_SERVER__PORT`, `flag --port`; null for none. */
  file: string | null;
  /** From 1; null when the value stands in no file. */
  line: number | null;
  column: number | null;
  /** `channels.telegram.bot_token`; empty for the file as a whole. */
  key: string;
  /** What was found, what is accepted, and the nearest known key. Never a secret. */
  message: string;
}

/** `config.toml:3:1: server.prot: …` */
export function issueLine(issue: ConfigIssue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== null).join(':');
  return [place, redact(issue.key), issue.message].filter((part) => part !== '').join(': ');
}

/** The configuration cannot be used; `issues` holds everything that was found, the message one line for each. */
export class ConfigError extends ClankerError {
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super('config', 'bad_config', issues.map(issueLine).join('\n'));
    this.issues = issues;
  }
}
