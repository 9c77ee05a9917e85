import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Filter } from '../query/filter.ts';
import { checkText } from './check-text.ts';
import type { AuditLogsTable } from './audit-tables.ts';

/** What belongs to a person beside what bears the person's own id. */
export interface PersonOptions {
  /**
   * Further entities that are about the person, such as API keys and threads: the trail knows their ids, and not whose
   * they are. At most 10,000.
   */
  readonly also?: readonly { readonly type: string; readonly id: string }[] | undefined;
}

/** Entries that are by a person, or about one. Each filter is served by an index of its own. */
export interface PersonFilters {
  readonly by: Filter<AuditLogsTable>;
  readonly about: readonly Filter<AuditLogsTable>[];
}

const mostEntities = 10_000;

/**
 * The entries that are by a person, and those that are about one: whose entity has the person's id, whatever its type,
 * and those of the entities that are named beside it.
 *
 * @throws ValidationError with every fault
 */
export function filtersOfPerson(personId: string, { also = [] }: PersonOptions): PersonFilters {
  const issues: Issue[] = [];
  checkText(personId, ['personId'], issues);
  if (!Array.isArray(also) || also.length > mostEntities) {
    issues.push({ path: ['also'], message: `must be a list of at most ${mostEntities} entities` });
  } else {
    also.forEach((entity: { readonly type?: unknown; readonly id?: unknown } | undefined, index) => {
      checkText(entity?.type, ['also', index, 'type'], issues);
      checkText(entity?.id, ['also', index, 'id'], issues);
    });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  const others = [...Map.groupBy(also, ({ type }) => type)].map(([type, entities]) => ({
    entity_type: type,
    entity_id: { in: entities.map(({ id }) => id) },
  }));
  return { by: { actor_id: personId }, about: [{ entity_id: personId }, ...others] };
}
