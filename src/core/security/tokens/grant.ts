/** What a token says of its bearer. */
export interface TokenGrant<Scope extends string = string, Tier extends string = string> {
  /** The id of the user or service, 1 to 255 characters. */
  readonly subject: string;
  /** `user` by default. A token never stands for the application itself. */
  readonly type?: 'user' | 'service';
  /** What the bearer may do; nothing by default. */
  readonly scopes?: readonly Scope[];
  /** The tier of its plan; none by default. */
  readonly tier?: Tier;
  /** The tenant that it acts in, 1 to 255 characters. */
  readonly tenant?: string;
}

/** @returns the grant without what its caller has beside it */
export function plainGrant({ subject, type, scopes, tier, tenant }: TokenGrant): TokenGrant {
  return {
    subject,
    ...(type !== undefined && { type }),
    ...(scopes !== undefined && { scopes }),
    ...(tier !== undefined && { tier }),
    ...(tenant !== undefined && { tenant }),
  };
}
