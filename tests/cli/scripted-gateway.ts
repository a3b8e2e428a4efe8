/** A small HTTP server that answers by script and remembers what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  body: string;
}

type Answer = (response: ServerResponse, asked: Asked) => void | Promise<void>;

export class ScriptedGateway implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #routes = new Map<string, Answer>();
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  static async listen(): Promise<ScriptedGateway> {
    const gateway = new ScriptedGateway();
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** `route`: `GET /ready`, the query included. */
  on(route: string, answer: Answer): this {
    this.#routes.set(route, answer);
    return this;
  }

  json(route: string, status: number, body: unknown): this {
    return this.on(route, (response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
    const { method = '', url: path = '', headers } = request;
    const asked: Asked = { method, path, authorization: headers.authorization, body };
    this.asked.push(asked);
    const answer = this.#routes.get(`${method} ${path}`);
    if (answer === undefined) response.writeHead(404).end('{"error":{"code":"not_found","message":"no such route"}}');
    else await answer(response, asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function streamEvents(response: ServerResponse, events: [string, unknown][]): void {
  for (const [event, data] of events) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
