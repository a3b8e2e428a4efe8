/**
 * The store's thread: the only place where SQLite runs. While one batch is committed the next one gathers in the port,
 * so the cost of an fsync is shared by everything that arrived during the fsync before. Never loads the main module.
 * Run as a program of its own it reads: `node worker.ts FILE` checks the file once and prints what is wrong with it as
 * JSON, `node worker.ts FILE READING ARGUMENT` prints rows (reading.ts), `node worker.ts FILE TASK ARGUMENT` works on the
 * whole file (copy.ts). A process gives all its memory back, a thread does not.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { errorData } from '../../../core/errors.ts';
import { isCopyTask, printTask } from './copy.ts';
import { Database } from './database.ts';
import { storageError } from './errors.ts';
import { Owner } from './owner.ts';
import { operationModes, type FromWorker, type Request, type ToWorker, type WorkerSetup } from './protocol.ts';
import { print, type Reading } from './reading.ts';

/** The most operations of one transaction. */
const maxBatch = 256;
const probeMs = 1000;
const maxProblems = 20;

const port = parentPort;

const tell = (message: FromWorker): void => port?.postMessage(message);

/** What is wrong with the file, by a connection of its own that only reads. */
function check(path: string): string[] {
  let db: Database | null = null;
  try {
    db = new Database(path, { readOnly: true });
    const found = db.all<{ quick_check: string }>(`PRAGMA quick_check(${maxProblems})`).map((row) => row.quick_check);
    return found.length === 1 && found[0] === 'ok' ? [] : found;
  } catch (error) {
    return [storageError(error).message];
  } finally {
    db?.close();
  }
}

function serve(owner: Owner): void {
  let told = 'open';
  const tellHealth = (): void => {
    const trouble = owner.trouble;
    const open = trouble === null || trouble.code === 'damaged';
    const detail = trouble?.message ?? 'open';
    if (told !== detail) tell({ type: 'health', open, detail });
    told = detail;
  };

  const execute = (requests: Request[]): void => {
    for (const batch of batchesOf(requests)) {
      const { replies, commitSeconds } = owner.execute(batch);
      tell({ type: 'batch', replies, commitSeconds });
    }
    tellHealth();
  };

  const probe = setInterval(() => {
    owner.probe();
    tellHealth();
  }, probeMs);

  port?.on('message', (first: ToWorker) => {
    const requests: Request[] = [];
    let [closing, resting] = [false, false];
    for (let next: ToWorker | undefined = first; next !== undefined; next = waiting()) {
      if (next === 'close') closing = true;
      else if (next === 'rest') resting = true;
      else requests.push(...next);
    }
    execute(requests);
    // As in adapters/system/memory.ts: each thread has a heap of its own.
    if (resting) globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
    if (!closing) return;
    clearInterval(probe);
    owner.close();
    tell({ type: 'closed' });
    port?.close();
  });
}

/** In their order: as many as one transaction may have, and by itself what cannot be part of one. */
function* batchesOf(requests: readonly Request[]): Generator<Request[]> {
  let batch: Request[] = [];
  for (const request of requests) {
    const alone = operationModes[request.operation] === 'alone';
    if (batch.length > 0 && (alone || batch.length === maxBatch)) {
      yield batch;
      batch = [];
    }
    if (alone) yield [request];
    else batch.push(request);
  }
  if (batch.length > 0) yield batch;
}

function waiting(): ToWorker | undefined {
  return port === null ? undefined : (receiveMessageOnPort(port)?.message as ToWorker | undefined);
}

function own({ path, migrationsDir }: WorkerSetup): void {
  try {
    const owner = new Owner(path, migrationsDir);
    tell({ type: 'opened' });
    serve(owner);
  } catch (error) {
    const known = storageError(error);
    const detail = known.cause instanceof Error ? known.cause.message : known.message;
    tell({ type: 'refused', error: errorData(known), detail });
    port?.close();
  }
}

const [, , file = '', reading, argument = ''] = process.argv;
if (port !== null) own(workerData as WorkerSetup);
else if (reading === undefined) process.stdout.write(JSON.stringify(check(file)));
else if (isCopyTask(reading)) void printTask(reading, file, argument);
else void print(file, reading as Reading, argument);
