import { flag, size, table, withDefault } from '../../../core/fields.ts';

export const filesTable = () =>
  table('Files of a person: each has a folder of their own that the model may work in.', {
    enabled: withDefault(flag('Whether there are such folders.'), true),
    read_only: withDefault(flag('The model only reads; what is in the folders comes from elsewhere.'), false),
    max_file: withDefault(size('The largest file.', '1KB', '20MB'), '5MB'),
    quota: withDefault(size('All files of one person together.', '10KB', '100GB'), '100MB'),
  });
