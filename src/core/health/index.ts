// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export { healthMigrations } from '../../../migrations/health/index.ts';
