import {
  OperationNodeTransformer,
  createQueryId,
  sql,
  type CompiledQuery,
  type Kysely,
  type PrimitiveValueListNode,
  type RawBuilder,
  type ValueNode,
} from 'kysely';

/** Stands in a query for a value that is known later. */
class Slot {
  readonly key: string | number;

  constructor(key: string | number) {
    this.key = key;
  }
}

/**
 * A parameter whose value is known later.
 *
 * @param key under which the value is found
 */
export function slot<Value>(key: string | number): RawBuilder<Value> {
  return sql<Value>`${new Slot(key)}`;
}

/** The same where Kysely takes plain values alone, as in long lists of rows, which it handles faster. */
export function plainSlot(key: string | number): unknown {
  return new Slot(key);
}

type Values = Readonly<Record<string | number, unknown>>;

/** A statement that was compiled once, with slots for its values. */
export class StatementTemplate<Row> {
  readonly #compiled: CompiledQuery<Row>;
  /** For each parameter the key of its slot; undefined where its value is part of the statement. */
  readonly #keys: readonly (string | number | undefined)[];

  /** @param compiled a statement that was built with `slot`, by a handle without plugins */
  constructor(compiled: CompiledQuery<Row>) {
    this.#compiled = compiled;
    this.#keys = compiled.parameters.map((parameter) =>
      parameter instanceof Slot ? parameter.key : undefined,
    );
  }

  /** The keys of its slots, each once. */
  get keys(): ReadonlySet<string | number> {
    return new Set(this.#keys.filter((key) => key !== undefined));
  }

  /** How long the SQL is, in characters. */
  get length(): number {
    return this.#compiled.sql.length;
  }

  /**
   * The statement with values in its slots.
   *
   * @param values by key; a list where the keys are positions. That each one is there is for the caller to check
   * @param handle where it is to run; its plugins take part
   */
  bind<DB>(values: Values, handle: Kysely<DB>): CompiledQuery<Row> {
    return handle.getExecutor().plugins.length === 0 ? this.#fill(values) : this.#compileFor(handle, values);
  }

  #fill(values: Values): CompiledQuery<Row> {
    const { sql: text, query, queryId, parameters } = this.#compiled;
    const keys = this.#keys;
    const bound: unknown[] = [];
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index];
      bound.push(key === undefined ? parameters[index] : values[key]);
    }
    return { sql: text, query, queryId, parameters: bound };
  }

  // Each time: a plugin may go by the values, by the id of the query, or by what changes, such as who is asking.
  #compileFor<DB>(handle: Kysely<DB>, values: Values): CompiledQuery<Row> {
    const executor = handle.getExecutor();
    const queryId = createQueryId();
    const filled = new SlotFiller(values).transformNode(this.#compiled.query);
    return executor.compileQuery<Row>(executor.transformQuery(filled, queryId), queryId);
  }
}

/** Puts values in the place of the slots of a statement that is still a tree. */
class SlotFiller extends OperationNodeTransformer {
  readonly #values: Values;

  constructor(values: Values) {
    super();
    this.#values = values;
  }

  protected override transformValue(node: ValueNode): ValueNode {
    return { ...node, value: this.#valueOf(node.value) };
  }

  protected override transformPrimitiveValueList(node: PrimitiveValueListNode): PrimitiveValueListNode {
    return { ...node, values: node.values.map((value) => this.#valueOf(value)) };
  }

  #valueOf(value: unknown): unknown {
    return value instanceof Slot ? this.#values[value.key] : value;
  }
}
