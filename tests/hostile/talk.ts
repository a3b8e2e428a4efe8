/** How the cases of chats speak: somebody who may, and whose answer shows that what was said before had its time. */
import { newMarker } from '../support/mock-openai.ts';
import { ada, directId } from '../support/discord-server.ts';
import type { Platforms } from './platforms.ts';

/** Somebody new who is listed asks on Telegram; resolves once the answer stands there, with their chat. */
export async function telegramAnswers(platforms: Platforms): Promise<number> {
  const chatId = platforms.person();
  await telegramAnswersTo(platforms, { chatId });
  return chatId;
}

export async function telegramAnswersTo(
  { telegram }: Platforms,
  message: Parameters<Platforms['telegram']['inject']>[0],
): Promise<void> {
  const marker = newMarker();
  telegram.inject({ ...message, text: `${message.text ?? ''} ${marker}`.trim() });
  await telegram.until(() => telegram.messages(message.chatId).some(({ text }) => text === `answer to ${marker}`));
}

export async function discordAnswers(platforms: Platforms, author: object = ada): Promise<void> {
  const marker = newMarker();
  platforms.discord.say(marker, { author });
  await platforms.until('an answer on Discord', () =>
    platforms.discord.shown(directId).some(({ content }) => content === `answer to ${marker}`),
  );
}

export async function slackAnswers(platforms: Platforms): Promise<void> {
  const marker = newMarker();
  await platforms.slack.say(marker);
  await platforms.until('an answer on Slack', async () =>
    (await platforms.slack.shown()).some(({ text }) => text === `answer to ${marker}`),
  );
}

/** Each platform has answered somebody who may talk. */
export const allAnswer = async (platforms: Platforms): Promise<void> => {
  await Promise.all([telegramAnswers(platforms), discordAnswers(platforms), slackAnswers(platforms)]);
};
