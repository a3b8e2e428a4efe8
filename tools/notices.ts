/**
 * The licences of what is bundled into `dist/`, which ask to be handed on with it; that of date-holidays also names the
 * pages that its days come from. Of each production dependency in the lockfile, those the build leaves out included.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Locked {
  version?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
}

export function noticesOf(root: string): string {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const sections = Object.entries(packages).flatMap(([folder, { version, license, dev, optional }]) => {
    if (folder === '' || dev === true || optional === true) return [];
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return `${name} ${version} (${license})\n\n${licenceText(path.join(root, folder))}`;
  });
  return `Open Clanker contains these works of others.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

function licenceText(folder: string): string {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0) return 'It brings no text of its licence.';
  return files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim()).join('\n\n');
}
