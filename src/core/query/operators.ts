/** The operators that a value of a type has. */
export type Operators<Value> = EqualityOperators<Value> &
  (NonNullable<Value> extends string | number ? OrderOperators<NonNullable<Value>> : unknown) &
  (NonNullable<Value> extends string ? TextOperators : unknown);

interface EqualityOperators<Value> {
  readonly eq?: Value;
  readonly ne?: Value;
  /** One of these; an empty list holds nothing. At most 100,000 values, 10,000 where they are fractions. */
  readonly in?: readonly Value[];
  readonly isNull?: boolean;
}

/** NULL is neither less nor greater than anything. */
interface OrderOperators<Value> {
  readonly lt?: Value;
  readonly lte?: Value;
  readonly gt?: Value;
  readonly gte?: Value;
}

/** Both tell upper case from lower case. */
interface TextOperators {
  /** `%` stands for any text, `_` for one character, `\` takes the next literally. At most 10,000 characters. */
  readonly like?: string;
  /** The text holds this one, literally. */
  readonly contains?: string;
}
