import { RawNode, type Kysely, type KyselyPlugin, type OperationNode, type RootOperationNode } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';

/** Why a statement is refused; undefined where it is not. */
export type Refuse = (sql: string) => string | undefined;

/**
 * A handle on which raw statements are looked at before they are sent. Inside of a transaction the connection refuses
 * them itself; a migration without one would change a setting that the runner relies on.
 */
export function refuseStatements(db: Kysely<any>, refuse: Refuse): Kysely<any> {
  return db.withPlugin(new RefusingPlugin(refuse));
}

class RefusingPlugin implements KyselyPlugin {
  readonly #refuse: Refuse;

  constructor(refuse: Refuse) {
    this.#refuse = refuse;
  }

  transformQuery({ node }: { readonly node: RootOperationNode }): RootOperationNode {
    const reason = this.#refuse(textOf(node));
    if (reason !== undefined) throw new ValidationError(reason);
    return node;
  }

  async transformResult<Result>({ result }: { readonly result: Result }): Promise<Result> {
    return result;
  }
}

/** The text of a raw statement, with those that are a part of it; whatever Kysely's builders make is none. */
function textOf(node: OperationNode): string {
  if (!RawNode.is(node)) return '';
  return node.sqlFragments
    .map((fragment, index) => fragment + textOf(node.parameters[index] ?? nothing))
    .join('');
}

const nothing: OperationNode = { kind: 'ValueNode' };
