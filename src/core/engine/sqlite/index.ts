export { sqliteColumns } from './sqlite-columns.ts';
export { sqliteEngine } from './sqlite-engine.ts';
export { sqliteVocabulary } from './sqlite-vocabulary.ts';
