export { postgresColumns } from './postgres-columns.ts';
export { postgresEngine } from './postgres-engine.ts';
export { postgresVocabulary } from './postgres-vocabulary.ts';
