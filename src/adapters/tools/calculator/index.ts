import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { ClankerError } from '../../../core/errors.ts';
import type { ToolGroup } from '../../../core/ports/tool.ts';

/** Arithmetic that is right to the last digit, or says that it is rounded. */
export function calculatorTools(): ToolGroup {
  return {
    name: 'calculator',
    about: 'exact arithmetic',
    keywords: [
      'calc',
      'comput',
      'how much',
      'percent',
      'average',
      'multipl',
      'divide',
      'square root',
      'rechne',
      'berechn',
      'wie viel',
      'prozent',
      'wurzel',
      'cuánto',
      'porcentaje',
      'combien',
      'pourcent',
    ],
    tools: [
      defineTool({
        name: 'calculator',
        description:
          'Exact decimals: + - * / ^ % (modulo), sqrt abs round(x,digits) floor ceil min max ln log exp sin cos tan pi e.',
        input: () => z.strictObject({ expression: z.string() }),
        effects: ['read'],
        role: 'guest',
        async run({ expression }) {
          const { calculate } = await import('./calculate.ts');
          try {
            return { text: calculate(expression) };
          } catch (error) {
            if (error instanceof ClankerError) return { text: error.message, isError: true };
            throw error;
          }
        },
      }),
    ],
  };
}
