/** Backups as folders on disk, and how one is put in the place of the data. */
export { finishRestore } from './finish.ts';
export { stageRestore, type RestoreParts } from './stage.ts';
export { backupStorage } from './storage.ts';
export { writeBackup, type BackupParts, type DataPlaces } from './write.ts';
