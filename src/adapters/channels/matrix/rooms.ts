/** What is known of rooms: who is alone with us, how they are called. Bounded; what was forgotten is asked again. */
import { Authorship } from '../authorship.ts';
import { field, textField } from '../json-http.ts';
import { segment } from './api.ts';
import type { ApiFailure, MatrixApi } from './api.ts';
import { Patience } from './patience.ts';

const maxRooms = 2000;
const maxNames = 5000;
const timeoutMs = 15_000;

export interface Room {
  id: string;
  /** At most one other person is in it. */
  direct: boolean;
  title?: string;
}

export class Rooms {
  /** Of events. */
  readonly authorship = new Authorship();
  readonly #api: MatrixApi;
  readonly #patience = new Patience();
  readonly #known = new Map<string, Room>();
  readonly #names = new Map<string, string>();

  constructor(api: MatrixApi) {
    this.#api = api;
  }

  /** Asks once; a room that we may not look into is a group. */
  async of(id: string, signal: AbortSignal): Promise<Room | ApiFailure> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const path = `client/v3/rooms/${segment(id)}`;
    const members = await this.#api.call({ method: 'GET', path: `${path}/joined_members`, timeoutMs }, signal);
    if (!members.ok && isPassing(members)) return members;
    const joined = members.ok ? Object.keys(field(members.result, 'joined') ?? {}).length : Infinity;
    const room: Room = { id, direct: joined <= 2 };
    if (!room.direct) {
      const name = await this.#api.call({ method: 'GET', path: `${path}/state/m.room.name/`, timeoutMs }, signal);
      const title = name.ok ? textField(name.result, 'name') : undefined;
      if (title !== undefined) room.title = title;
    }
    this.#known.set(id, room);
    shrink(this.#known, maxRooms);
    return room;
  }

  /** Somebody came or went. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  isDirect(id: string): boolean {
    return this.#known.get(id)?.direct === true;
  }

  /** Takes the display name from an `m.room.member` event. */
  learn(event: unknown): void {
    const user = textField(event, 'state_key');
    const name = textField(field(event, 'content'), 'displayname');
    if (textField(event, 'type') !== 'm.room.member' || user === undefined || name === undefined) return;
    this.#names.delete(user);
    this.#names.set(user, name.slice(0, 128));
    shrink(this.#names, maxNames);
  }

  nameOf(user: string): string | undefined {
    return this.#names.get(user);
  }

  /** Finds out whose an event is, where that is not known; what cannot be looked at is not ours. */
  async learnAuthor(room: string, eventId: string, me: string, signal: AbortSignal): Promise<ApiFailure | null> {
    if (this.authorship.knows(eventId)) return null;
    const path = `client/v3/rooms/${segment(room)}/event/${segment(eventId)}`;
    const answer = await this.#api.call({ method: 'GET', path, timeoutMs }, signal);
    if (!answer.ok && isPassing(answer) && this.#patience.with(eventId, answer)) return answer;
    this.authorship.note(eventId, answer.ok && textField(answer.result, 'sender') === me);
    return null;
  }
}

/** It may go better the next time. */
const isPassing = ({ status, tooLarge }: ApiFailure): boolean =>
  !tooLarge && (status === 0 || status === 401 || status === 429 || status >= 500);

function shrink(map: Map<string, unknown>, max: number): void {
  if (map.size > max) map.delete(map.keys().next().value ?? '');
}
