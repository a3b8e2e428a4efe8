/** What a model can be made to ask for, between a public site and a canary that stands for all that is private. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PublicWeb } from '../support/public-web.ts';
import { runHostile } from './run.ts';
import { webCases } from './web-cases.ts';

describe('hostile web', () => {
  let web: PublicWeb;
  before(async () => {
    web = await new PublicWeb().start();
  });
  after(() => web.stop());

  for (const each of webCases) {
    test(`${each.id} ${each.title}`, async () => {
      const [result] = await runHostile(web, [each], () => {});
      assert.equal(result?.failure, null);
    });
  }
});
