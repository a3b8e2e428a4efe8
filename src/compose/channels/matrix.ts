import type { Build } from './build.ts';

export const matrix: Build<'matrix'> = (account, options, { http, random }) => {
  const { access_token, homeserver, access, allowed_user_ids, allowed_chat_ids } = options;
  const [users, rooms] = [new Set(allowed_user_ids), new Set(allowed_chat_ids)];
  return {
    // Whose invitations are followed is decided here, so the lists count too.
    restartOn: [access_token, homeserver, access, allowed_user_ids, allowed_chat_ids],
    create: async () => {
      const { createMatrixChannel } = await import('../../adapters/channels/matrix/index.ts');
      return createMatrixChannel({
        account,
        homeserver,
        token: access_token,
        // Who may ask to be let in must be able to write to us.
        joins: (inviter, room) => access !== 'allowlist' || users.has(inviter) || rooms.has(room),
        http,
        random,
      });
    },
  };
};
