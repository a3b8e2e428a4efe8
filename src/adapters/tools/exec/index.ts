import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import type { PersonFiles } from '../../../core/ports/person-files.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';
import { runInSandbox, type RunEnd } from './run.ts';

export interface ExecOptions {
  writable: boolean;
  timeoutMs: number;
  memoryBytes: number;
  processes: number;
  maxOutput: number;
  /** Bytes of one file. */
  maxFile: number;
}

const maxArguments = 200;
const maxArgumentLength = 20_000;
/** Waiting for the folder, and ending what is killed. */
const graceMs = 5000;

/** Programs in a sandbox, over the person's files. Only offered where `sandboxState` found one. */
export function execTools(
  options: ExecOptions,
  { bwrap, files, clock }: { bwrap: string; files: PersonFiles; clock: Clock },
): ToolGroup {
  const tool = defineTool({
    name: 'exec',
    description: `Runs a program in a sandbox, no network; /files are the person's files${options.writable ? '' : ', read-only'}.`,
    input: () => z.strictObject({ argv: z.array(z.string()) }),
    effects: ['execute'],
    timeoutMs: options.timeoutMs + graceMs,
    async run({ argv }, call) {
      // As with files: what others wrote in a group must not show what is one person's alone.
      if (call.chatType === 'group') return { text: 'Programs are run in a direct chat only.', isError: true };
      const problem = problemOf(argv);
      if (problem !== null) return { text: problem, isError: true };
      return files.lend(call.person, (folder) => runIn(folder, argv, call), call.signal);
    },
  });
  return {
    name: 'exec',
    about: 'run a program in a sandbox, over the files',
    keywords: ['run ', 'execut', 'script', 'python', 'shell', 'program', 'ausführ', 'skript', 'ejecut', 'exécut'],
    tools: [tool],
  };

  async function runIn(folder: string, argv: string[], { person, signal }: ToolCall): Promise<ToolOutput> {
    const overQuota = async (): Promise<boolean> => options.writable && (await files.usage(person)).over;
    if (await overQuota())
      return { text: "The person's files are more than they may be; delete some first.", isError: true };
    const { timeoutMs, memoryBytes, processes, maxFile, maxOutput, writable } = options;
    const limits = { memoryBytes, processes, fileBytes: maxFile, cpuSeconds: Math.ceil(timeoutMs / 1000) };
    const end = await runInSandbox({
      bwrap,
      argv,
      folder,
      writable,
      limits,
      timeoutMs,
      maxOutput,
      overQuota,
      signal,
      clock,
    });
    return { text: told(end, options), isError: end.code !== 0, outside: 'program' };
  }
}

/** What no program can be given; anything else is passed on letter by letter. */
function problemOf(argv: readonly string[]): string | null {
  if (argv.length === 0 || argv[0] === '') return 'argv: name the program first.';
  if (argv.length > maxArguments) return `argv: at most ${maxArguments} arguments.`;
  if (argv.some((each) => each.length > maxArgumentLength))
    return `argv: at most ${maxArgumentLength} characters each.`;
  return argv.some((each) => each.includes('\0')) ? 'argv: no argument can hold a NUL.' : null;
}

function told({ code, killed, output, errors }: RunEnd, { timeoutMs, memoryBytes }: ExecOptions): string {
  const ends: Record<NonNullable<RunEnd['killed']>, string> = {
    timeout: `it was stopped after ${timeoutMs / 1000} s`,
    memory: `it was stopped: it used more than ${Math.round(memoryBytes / 1e6)} MB`,
    quota: "it was stopped: the person's files are more than they may be",
    aborted: 'it was stopped',
    signal: 'it was killed',
  };
  const end = killed === null ? `exit code ${code}` : ends[killed];
  return [`[${end}]`, output.trimEnd(), errors.trim() === '' ? '' : `[errors]\n${errors.trimEnd()}`]
    .filter((piece) => piece !== '')
    .join('\n');
}
