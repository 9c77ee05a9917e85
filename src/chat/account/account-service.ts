import type { Kysely } from 'kysely';
import {
  UniqueViolationError,
  ValidationError,
  type Clock,
  type DatabaseProvider,
} from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { OauthIdentityRepository } from './oauth-identity-repository.ts';
import { createOauthIdentity } from './oauth-identity.ts';
import type { UserRepository } from './user-repository.ts';
import { createUser, type User } from './user.ts';

/** What an account service is made of. */
export interface AccountParts {
  readonly provider: DatabaseProvider<ChatDatabase>;
  readonly users: UserRepository;
  readonly oauthIdentities: OauthIdentityRepository;
  readonly clock: Clock;
}

/** What an OAuth provider says of whoever signs in. */
export interface OauthSignIn {
  /** Such as `google`. */
  readonly provider: string;
  /** The provider's own id of the account (`sub` in OpenID Connect). */
  readonly providerUserId: string;
  readonly email: string;
  /**
   * Whether the provider vouches for the address. False by default: an address that anybody can claim must
   * not open somebody else's account.
   */
  readonly emailVerified?: boolean;
  readonly displayName?: string | undefined;
}

const maxAttempts = 3;

/** The accounts. It checks no tokens: whoever calls has verified what the OAuth provider says. */
export class AccountService {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /**
   * Finds the user of an OAuth account. Where the account is new, it is linked to the user who has its
   * verified e-mail address, or to a new user. Any number of calls at once with one account end at one user.
   *
   * @param signIn what the provider says
   * @returns the user
   * @throws ValidationError with the faults of all fields; and where the address belongs to a user already
   *   and the provider does not vouch for it
   * @example
   * const user = await accounts.findOrCreateByOAuth({ provider: 'google', providerUserId: '1042', email });
   */
  async findOrCreateByOAuth(signIn: OauthSignIn): Promise<User> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#findUser(signIn)) ?? (await this.#createUser(signIn));
      } catch (error) {
        // Somebody else has signed in by the same account or address in between; the next look finds them.
        if (!(error instanceof UniqueViolationError) || attempt === maxAttempts) throw error;
      }
    }
  }

  async #findUser(
    { provider, providerUserId }: OauthSignIn,
    options: { on?: Kysely<ChatDatabase> } = {},
  ): Promise<User | undefined> {
    const { users, oauthIdentities } = this.#parts;
    const identity = await oauthIdentities.findByProvider(provider, providerUserId, options);
    return identity === undefined ? undefined : users.findById(identity.userId, options);
  }

  #createUser(signIn: OauthSignIn): Promise<User> {
    const { provider, users, oauthIdentities, clock } = this.#parts;
    const context = { now: clock.now() };
    const candidate = createUser(signIn, context);
    return provider.transaction(async (on) => {
      const known = await users.findByEmail(candidate.email, { on });
      // In this order: whoever stored the address meanwhile has stored the identity with it.
      const linked = await this.#findUser(signIn, { on });
      if (linked !== undefined) return linked;
      if (known !== undefined && signIn.emailVerified !== true) {
        throw new ValidationError([
          { path: ['email'], message: 'belongs to another account, and is not verified' },
        ]);
      }
      const user = known ?? (await users.insert(candidate, { on }));
      await oauthIdentities.insert(createOauthIdentity({ ...signIn, userId: user.id }, context), { on });
      return user;
    });
  }
}
