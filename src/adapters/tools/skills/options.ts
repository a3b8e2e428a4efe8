import * as z from 'zod/mini';
import { flag, list, table, withDefault } from '../../../core/fields.ts';

const any = (): null => null;

export const skillsOptions = () =>
  table('Skills: folders with a `SKILL.md` that tell the model how something is done here.', {
    enabled: withDefault(flag('Offer skills to the model.'), true),
    folders: z.optional(
      list('Folders that hold skills; where two have one of the same name, the first counts.', 'a list of paths', any, {
        computed: '`skills` in the data directory and beside the configuration, where they are',
        example: '["skills", "/srv/skills"]',
      }),
    ),
    allow: withDefault(list('Names of skills that are offered; `*` stands for any characters.', 'a list of names'), [
      '*',
    ]),
    deny: withDefault(list('Names of skills that are not.', 'a list of names'), []),
  });
