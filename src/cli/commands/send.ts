import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';
import { readMessage } from '../read-message.ts';

export const send: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const channel = required(options.value('channel'), '-c CHANNEL');
  const target = required(options.value('channel-id'), '--channel-id ID');
  const message = required(options.value('message'), '-m TEXT');
  const thread = options.value('thread');
  const content = await readMessage(message, terminal.input);
  const client = await GatewayClient.of(invocation);
  const sent = await client.deliver<{ message_id: string }>({
    channel,
    target,
    content,
    ...(thread === undefined ? {} : { thread }),
  });
  if (options.has('json')) terminal.json(sent);
  else terminal.line(`Delivered (${sent.message_id}).`);
  return 0;
};

function required(value: string | undefined, option: string): string {
  if (value === undefined) {
    throw new CliError(`${option} is missing. Usage: open-clanker send -c CHANNEL --channel-id ID -m TEXT`, 2);
  }
  return value;
}
