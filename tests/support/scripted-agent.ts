/** Notes in memory, one call of a tool that waits for its owner, one recorded run, one tool that others may call. */
import { notFound } from '../../src/core/errors.ts';
import type { ApprovalInfo, ApprovalTicket } from '../../src/core/ports/approval-gateway.ts';
import type { OfferedCall, OfferedTool } from '../../src/core/ports/gateway.ts';
import type { Listed, ListOptions } from '../../src/core/ports/listed.ts';
import type { NotePage, NoteRow, SaveNote } from '../../src/core/ports/notes.ts';
import type { DryRun, Replay } from '../../src/core/ports/replay.ts';
import type { ToolOutput } from '../../src/core/ports/tool.ts';
import { ownerPerson, type Principal } from '../../src/core/principal.ts';
import { page } from './paging.ts';
import { ScriptedChat } from './scripted-chat.ts';

export class ScriptedAgent extends ScriptedChat {
  readonly #notes = new Map<string, NoteRow>();

  async notes(principal: Principal, { query, ...options }: NotePage & { query?: string }): Promise<Listed<NoteRow>> {
    const mine = [...this.#notes.values()].filter(({ owner }) => owner === principal.person);
    return page(
      mine.filter(({ title }) => query === undefined || title.includes(query)),
      { limit: 20, ...options },
    );
  }

  async note(principal: Principal, id: string): Promise<NoteRow> {
    const note = this.#notes.get(id);
    if (note === undefined || note.owner !== principal.person) throw notFound('note');
    return note;
  }

  async noteByTitle(principal: Principal, title: string): Promise<{ note: NoteRow | null; suggestions: string[] }> {
    const [note = null] = (await this.notes(principal, { query: title })).items;
    return { note, suggestions: note === null ? ['tea'] : [] };
  }

  async saveNote(
    principal: Principal,
    { title, text, metadata = {} }: SaveNote,
  ): Promise<{ note: NoteRow; created: boolean }> {
    const before = (await this.noteByTitle(principal, title)).note;
    const at = this.startedAt;
    const note: NoteRow = {
      id: before?.id ?? `note_${this.#notes.size}`,
      owner: principal.person,
      title,
      text,
      metadata,
      source: `token:${principal.id}`,
      outside: null,
      createdAt: at,
      updatedAt: at,
      expiresAt: null,
    };
    this.#notes.set(note.id, note);
    return { note, created: before === null };
  }

  async deleteNote(principal: Principal, id: string): Promise<void> {
    await this.note(principal, id);
    this.#notes.delete(id);
  }

  async deleteNotes(principal: Principal): Promise<number> {
    const { items } = await this.notes(principal, {});
    for (const { id } of items) this.#notes.delete(id);
    return items.length;
  }

  async approvals(principal: Principal, options: ListOptions): Promise<Listed<ApprovalInfo>> {
    return page([await this.approval(principal, 'appr_1')], options);
  }

  approval(principal: Principal, id: string): Promise<ApprovalInfo> {
    if (id !== 'appr_1' || principal.person !== ownerPerson) return Promise.reject(notFound('approval'));
    return Promise.resolve({
      id,
      person: ownerPerson,
      session: `api:${ownerPerson}:main`,
      run: 'run_1',
      tool: 'message_send',
      args: { to: 'bob', text: 'hi' },
      digest: 'ab'.repeat(32),
      effects: ['send'],
      reason: 'The policy wants a person to approve it.',
      tainted: 'web page',
      state: 'open',
      createdAt: this.startedAt,
      expiresAt: this.startedAt + 3_600_000,
      decidedBy: null,
      decidedAt: null,
    });
  }

  async answerApproval(principal: Principal, id: string): Promise<ApprovalTicket> {
    const { session } = await this.approval(principal, id);
    return { messageId: 'msg_1', runId: 'run_1', sessionKey: session };
  }

  replayRun(_principal: Principal, runId: string): Promise<Replay> {
    if (runId !== 'run_1') return Promise.reject(notFound('recorded run'));
    return Promise.resolve({
      runId,
      offline: false,
      same: false,
      diverged: null,
      recorded: { text: 'hello', model: 'demo/demo', steps: 1 },
      text: 'hi',
      model: 'demo/demo',
      reason: 'stop',
      steps: [{ text: '', calls: [{ tool: 'look', args: {}, result: 'ok' }] }],
      missing: [],
      usage: null,
      cost: 0.01,
    });
  }

  dryRun(): Promise<DryRun> {
    const calls = [
      { tool: 'send_message', args: { text: 'hi' }, effects: ['send' as const], decision: 'ask' as const },
    ];
    return Promise.resolve({ text: 'I would send it.', calls, model: 'demo/demo', usage: null, cost: null });
  }

  async offeredTools(): Promise<OfferedTool[]> {
    return [{ name: 'echo', description: 'Says it again.', parameters: { type: 'object' }, readsOnly: true }];
  }

  async callTool(principal: Principal, { name, args }: OfferedCall): Promise<ToolOutput> {
    if (name !== 'echo') throw notFound(`tool "${name}"`);
    return { text: `${principal.person}: ${JSON.stringify(args)}` };
  }
}
