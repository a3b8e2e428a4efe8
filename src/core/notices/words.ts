import type { PersonRole } from '../principal.ts';
import type { AccessWords } from './access-words.ts';
import type { ApprovalWords } from './approval-words.ts';
import type { BudgetWords } from './budget-words.ts';
import type { NotesWords } from './notes-words.ts';
import type { ResultWords } from './results-words.ts';
import type { SettingsWords } from './settings.ts';
import type { StoryWords } from './story.ts';

/** Everything the product itself says to people in chats, in one language. Markdown; names and ids come escaped. */
export interface Words {
  /** One line per command, for /help and the platforms' menus. */
  summaries: Readonly<Record<string, string>>;
  hello(name: string): string;
  answeredBy(model: string): string;
  answeredByDemo: string;
  newConversation: string;
  stopped: string;
  whoami(of: {
    name: string;
    id: string;
    channel: string;
    person: string;
    role: PersonRole;
    chat: string;
    session: string;
  }): string;
  unknownCommand: string;
  /** Who somebody is, and who may come in. */
  access: AccessWords;
  /** Calls of the model that a person has to approve. */
  approvals: ApprovalWords;
  notes: NotesWords;
  /** What models cost, and who may spend how much. */
  budget: BudgetWords;
  /** What jobs and tasks came to. */
  results: ResultWords;
  /** How a person wants to be served. */
  settings: SettingsWords;
  /** What became of a message. */
  story: StoryWords;
  status(of: { uptime: string; model: string; waiting: number; running: number }): string;
  channelTrouble(channel: string, detail: string): string;
  allChannelsWell(count: number): string;
  modelIs(model: string, pinned: boolean): string;
  modelChoices(models: readonly string[]): string;
  modelSet(model: string): string;
  modelReset(model: string): string;
  modelUnknown(model: string): string;
  nothingToExplain: string;
  languageIs(name: string, choices: string): string;
  languageSet: string;
  languageUnknown(asked: string, choices: string): string;
  emptyAnswer: string;
  couldNotAnswer(reason: string): string;
  /** Behind an answer that was cut, and before the reason. */
  interrupted: string;
  /** Behind an answer that a person stopped. */
  cut: string;
  notKept: string;
  stillWorking: string;
  /** Once a flood, before what is left out. */
  tooMuch: string;
  outage: string;
  outageOver: string;
  /** Behind a message that may have arrived before. */
  repeated: string;
}
