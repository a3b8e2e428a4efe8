import type { Build } from './build.ts';

export const matrix: Build<'matrix'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createMatrixChannel } = await import('../../adapters/channels/matrix/index.ts');
    return createMatrixChannel();
  },
});
