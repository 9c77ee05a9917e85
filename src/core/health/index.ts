export { healthMigrations } from '../../../migrations/health/index.ts';
