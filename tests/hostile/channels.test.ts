/** What is hostile on channels, against the built daemon between strict platforms. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Platforms } from './platforms.ts';
import { channelCases, runHostile } from './run.ts';

describe('hostile channels', () => {
  let platforms: Platforms;
  before(async () => {
    platforms = await Platforms.start();
  });
  after(() => platforms.stop());

  for (const each of channelCases) {
    test(`${each.id} ${each.title}`, async () => {
      const [result] = await runHostile(platforms, [each], () => {});
      assert.equal(result?.failure, null);
    });
  }

  test('none of the platforms has seen anything that a well-behaved bot would not do', () => {
    const { telegram, called, discord, slack, slackHttp } = platforms;
    const seen = [telegram, called, discord, slack.server.workspace, slackHttp.workspace].map(
      (each) => each.violations,
    );
    assert.deepEqual(seen.flat(), []);
  });
});
