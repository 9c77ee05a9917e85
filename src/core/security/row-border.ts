import type { KyselyPlugin, RootOperationNode } from 'kysely';
import { ForbiddenError } from '../foundation/errors/security-errors.ts';
import { ConfineStatement } from './confine-statement.ts';
import type { RowRules } from './row-rule.ts';

const confinable: ReadonlySet<string> = new Set<RootOperationNode['kind']>([
  'SelectQueryNode',
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
]);

/**
 * Keeps every statement of a Kysely handle within the rows of an actor, whoever built it. It works on the
 * statement's tree, and not on the methods that made it, so that none of them can be forgotten. What it does not
 * understand it refuses. It does not read the text of `sql` fragments.
 */
export class RowBorder implements KyselyPlugin {
  readonly #rules: RowRules;
  readonly #actor: () => string;

  /**
   * @param rules the rules of the tables that may be used
   * @param actor is asked once for each statement; throws where nobody is known
   */
  constructor(rules: RowRules, actor: () => string) {
    this.#rules = rules;
    this.#actor = actor;
  }

  readonly transformQuery: KyselyPlugin['transformQuery'] = ({ node, queryId }) => {
    const actor = this.#actor();
    if (!confinable.has(node.kind)) {
      throw new ForbiddenError(
        `A statement of kind ${node.kind} cannot be kept within an actor's rows; nothing was sent. Use a select, insert, update or delete of Kysely.`,
      );
    }
    return new ConfineStatement(this.#rules, actor).transformNode(node, queryId);
  };

  readonly transformResult: KyselyPlugin['transformResult'] = ({ result }) => Promise.resolve(result);
}
