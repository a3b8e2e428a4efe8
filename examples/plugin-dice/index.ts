/** An example of a whole plugin: one tool. docs/writing-a-plugin.md walks through it; tests/examples runs it. */
import type { JsonObject, PluginHost, PluginParts } from 'open-clanker/plugin';

const maxSides = 1000;

export function activate(host: PluginHost): PluginParts {
  const usual = sidesOf(host.options);
  // 32 bits, of which so few are left over that no side is favoured noticeably.
  const number = (): number => host.random.bytes(4).reduce((sum, byte) => sum * 256 + byte, 0);
  const roll = (sides: number): number => (number() % sides) + 1;
  return {
    tools: {
      about: 'Rolling dice',
      keywords: ['dice', 'roll', 'würf', 'dado', 'dés'],
      tools: [
        {
          name: 'roll',
          description: `Rolls dice fairly. Default: one die of ${usual} sides.`,
          parameters: {
            type: 'object',
            properties: {
              count: { type: 'integer', minimum: 1, maximum: 100 },
              sides: { type: 'integer', minimum: 2, maximum: maxSides },
            },
          },
          effects: ['read'],
          run({ count = 1, sides = usual }) {
            const rolled = Array.from({ length: Number(count) }, () => roll(Number(sides)));
            return `${rolled.join(' + ')} = ${rolled.reduce((sum, each) => sum + each, 0)}`;
          },
        },
      ],
    },
  };
}

function sidesOf({ sides = 6 }: JsonObject): number {
  if (typeof sides === 'number' && Number.isInteger(sides) && sides >= 2 && sides <= maxSides) return sides;
  throw new Error(`options.sides takes a whole number from 2 to ${maxSides}`);
}
