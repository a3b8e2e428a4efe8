/**
 * People who keep talking while the gateway is killed under them: by HTTP, SSE, WebSocket and Telegram, each message
 * in the ledger. They behave as good clients do: a request without an answer is repeated with its key; what was
 * acknowledged and then cut is *not* asked for again, because the gateway has promised to answer it.
 */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, chatEvents, connect, type Socket } from '../../support/gateway-client.ts';
import type { Sent } from '../../support/ledger.ts';
import { chats, type Rig } from './rig.ts';

export interface TrafficOptions {
  /** How many people talk each way, at once. */
  http: number;
  sse: number;
  ws: number;
  telegram: number;
  /** How long each rests between an answer and the next message. */
  restMs: number;
  /** Stands before each message's marker; may hold directives for the mock model. */
  words?: string;
}

/** A gateway that is down refuses connections: wait for it, but give it a moment to be gone first. */
const retryMs = 20;
const answerWithinMs = 60_000;

export class Traffic {
  /** Connections that were lost or refused; 0 unless the gateway was killed. */
  dropped = 0;
  /** Answers with another status than 200, in words. */
  readonly refused: string[] = [];
  /** Milliseconds from each question to its whole answer, without those that had to be repeated. */
  readonly latencies: number[] = [];
  readonly #rig: Rig;
  readonly #options: TrafficOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #people: Promise<void>[] = [];
  readonly #stopping = Promise.withResolvers<void>();
  #going = true;

  constructor(rig: Rig, options: TrafficOptions) {
    this.#rig = rig;
    this.#options = options;
  }

  start(): void {
    const { http, sse, ws, telegram } = this.#options;
    for (let n = 0; n < http; n++) this.#people.push(this.#talk(() => this.#byHttp(`http-${n}`)));
    for (let n = 0; n < sse; n++) this.#people.push(this.#talk(() => this.#bySse(`sse-${n}`)));
    for (let n = 0; n < ws; n++) this.#people.push(this.#byWebSocket(`ws-${n}`));
    for (const chat of chats.slice(0, telegram)) this.#people.push(this.#talk(() => this.#byTelegram(chat)));
  }

  /** Nobody begins a new message; resolves when all that are under way have come to their end. */
  async stop(): Promise<void> {
    this.#going = false;
    this.#stopping.resolve();
    await Promise.all(this.#people);
    this.#agent.destroy();
  }

  async #talk(exchange: () => Promise<void>): Promise<void> {
    await sleep(Math.random() * this.#options.restMs);
    while (this.#going) {
      const begun = performance.now();
      const dropped = this.dropped;
      await exchange();
      if (dropped === this.dropped) this.latencies.push(performance.now() - begun);
      await sleep(this.#options.restMs);
    }
  }

  async #again(): Promise<void> {
    this.dropped++;
    await sleep(retryMs);
    await this.#rig.up();
  }

  /** One POST, repeated with its key until it is answered. */
  async #byHttp(session: string, sent: Sent = this.#rig.ledger.enter('http', this.#options.words)): Promise<void> {
    const target = { ...this.#rig.target, agent: this.#agent };
    for (;;) {
      sent.requests++;
      try {
        const body = { text: sent.text, session, idempotency_key: sent.marker };
        const answer = await ask(target, 'POST', '/api/v1/chat', body, {}, AbortSignal.timeout(answerWithinMs));
        if (answer.status === 200) {
          sent.acknowledged = true;
          sent.answer = answer.body.reply?.text ?? '';
          return;
        }
        this.refused.push(`${answer.status} ${answer.body.error?.code ?? ''}`);
      } catch (error) {
        // The gateway went away, or holds the answer back for good.
        if (error instanceof Error && error.name === 'TimeoutError') this.refused.push('no answer in time');
      }
      await this.#again();
    }
  }

  /** By SSE; when the stream is cut before `run.started`, repeated as a plain POST, and after it left alone. */
  async #bySse(session: string): Promise<void> {
    const sent = this.#rig.ledger.enter('sse', this.#options.words);
    sent.requests++;
    try {
      const body = { text: sent.text, session, idempotency_key: sent.marker };
      for await (const { event, data } of chatEvents(this.#rig.target, body)) {
        sent.acknowledged = true;
        if (event === 'run.finished') sent.answer = data.reply?.text ?? '';
        if (event === 'run.failed') this.refused.push(`run.failed ${data.error?.code ?? ''}`);
      }
      if (sent.answer !== null) return;
    } catch {
      // Cut.
    }
    await this.#again();
    if (!sent.acknowledged) await this.#byHttp(session, sent);
  }

  /** A socket that stays open from message to message; a new one after it was lost. */
  async #byWebSocket(session: string): Promise<void> {
    let socket: Socket | null = null;
    let unacknowledged: Sent | null = null;
    await sleep(Math.random() * this.#options.restMs);
    while (this.#going || unacknowledged !== null) {
      const sent: Sent = unacknowledged ?? this.#rig.ledger.enter('ws', this.#options.words);
      unacknowledged = null;
      const begun = performance.now();
      try {
        socket ??= await connect(this.#rig.target);
        sent.requests++;
        socket.send('chat.send', { text: sent.text, session, idempotency_key: sent.marker }, sent.marker);
        const ack = await socket.next(({ type, id }) => id === sent.marker && (type === 'ack' || type === 'error'));
        if (ack.type === 'error') throw new Error(`refused: ${ack.payload.code}`);
        sent.acknowledged = true;
        const end = await socket.next(({ type, payload }) => {
          return payload.run_id === ack.payload.run_id && (type === 'run.finished' || type === 'run.failed');
        });
        if (end.type === 'run.finished') sent.answer = end.payload.reply?.text ?? '';
        else this.refused.push(`run.failed ${end.payload.error?.code ?? ''}`);
        socket.forget();
        this.latencies.push(performance.now() - begun);
        await sleep(this.#options.restMs);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('refused')) this.refused.push(error.message);
        if (!sent.acknowledged) unacknowledged = sent;
        await socket?.close();
        socket = null;
        await this.#again();
      }
    }
    await socket?.close();
  }

  /** Says something in a chat, whether the gateway runs or not, and mostly waits for the answer. */
  async #byTelegram(chat: number): Promise<void> {
    const sent = this.#rig.ledger.enter('telegram', this.#options.words);
    this.#rig.say(sent, chat);
    if (Math.random() < 0.3) return;
    await Promise.race([this.#rig.shown(sent), this.#stopping.promise]);
  }
}
