/** What a run is made of, kept so that it can be played again without a model and without touching anything. */
import type { JsonObject } from '../../core/message.ts';
import type { ModelRequest, RequestPart, ToolSpec, Usage } from '../../core/ports/provider.ts';
import type { RecordingRow } from '../../core/ports/recording-store.ts';
import type { ToolGroup } from '../../core/ports/tool.ts';
import type { PersonRole } from '../../core/principal.ts';
import type { AgentSettings } from './settings.ts';
import type { ResultPart, WrittenCall } from './steps.ts';
import type { Part } from '../../core/message.ts';

/**
 * Characters of a recording, which is in memory until its run ends, and steps of it: it ends before the step that would
 * go past that, as a later one cannot be played without it.
 */
const maxLength = 8_000_000;
const maxSteps = 200;

export interface RecordedGroup extends Pick<ToolGroup, 'name' | 'about' | 'keywords'> {
  tools: ToolSpec[];
}

/** What a run worked with. */
export interface RecordedSetting {
  agent: AgentSettings;
  person: string;
  role: PersonRole;
  groups: RecordedGroup[];
}

/** A request as it is kept: of a picture only that there was one. */
export interface RecordedRequest extends Pick<ModelRequest, 'system' | 'messages'> {
  tools: string[];
}

export interface RecordedAnswer {
  parts: Part[];
  calls: WrittenCall[];
  reason: string;
  /** `provider/model` */
  model: string;
  usage: Usage | null;
  cost: number | null;
}

export interface RecordedStep {
  request: RecordedRequest;
  answer: RecordedAnswer;
  results: ResultPart[];
}

const withoutPictures = (part: RequestPart): RequestPart =>
  part.type === 'image' ? { type: 'text', text: `[picture, ${part.mimeType}, ${part.data.length} bytes]` } : part;

export const recordedRequest = ({ system, messages, tools }: Omit<ModelRequest, 'model'>): RecordedRequest => ({
  system,
  messages: messages.map(({ role, parts }) => ({ role, parts: parts.map(withoutPictures) })),
  tools: tools.map(({ name }) => name),
});

/** Collects a run while it is at work. */
export class Recorder {
  readonly #rows: RecordingRow[] = [];
  #length = 0;
  #full = false;
  readonly #of: Pick<RecordingRow, 'runId' | 'owner' | 'sessionKey' | 'at'>;

  constructor(of: Pick<RecordingRow, 'runId' | 'owner' | 'sessionKey' | 'at'>, setting: RecordedSetting) {
    this.#of = of;
    this.#add(setting);
  }

  step(step: RecordedStep): void {
    this.#add(step);
  }

  get rows(): RecordingRow[] {
    return this.#rows;
  }

  #add(data: object): void {
    if (this.#full) return;
    const text = JSON.stringify(data);
    this.#length += text.length;
    this.#full = this.#length > maxLength || this.#rows.length > maxSteps;
    if (this.#full) return;
    this.#rows.push({ ...this.#of, n: this.#rows.length, data: JSON.parse(text) as JsonObject });
  }
}
