import type { Kysely } from 'kysely';
import { newId } from '../../core/domain/index.ts';
import {
  SerializationFailureError,
  UniqueViolationError,
  ValidationError,
  currentActor,
  runAs,
  type Clock,
  type Issue,
  type RepositoryCallOptions,
  type TransactionalProvider,
} from '../../core/index.ts';
import { recordAction, type ActionRecorder } from '../action-recorder.ts';
import { auditedEntities } from '../audited-entities.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { UserId } from '../ids.ts';
import type { OauthIdentityRepository } from './oauth-identity-repository.ts';
import {
  ProviderUserId,
  createOauthIdentity,
  markIdentityUsed,
  type OauthIdentity,
} from './oauth-identity.ts';
import { ProviderName } from './provider-name.ts';
import type { UserRepository } from './user-repository.ts';
import { createUser, type User } from './user.ts';

/** What an account service is made of. */
export interface AccountParts {
  /** A database that holds the chat's tables, or a unit of work on one. */
  readonly provider: TransactionalProvider<ChatDatabase>;
  /** Of the same provider or unit, as the next. */
  readonly users: UserRepository;
  /** Finds and stores what links users to OAuth providers. */
  readonly oauthIdentities: OauthIdentityRepository;
  /** Says when somebody signs in. */
  readonly clock: Clock;
  /** Records each sign-in; nobody does by default. */
  readonly recorder?: ActionRecorder | undefined;
}

/** What an OAuth provider says of whoever signs in. */
export interface OauthSignIn {
  /** Such as `google`. */
  readonly provider: string;
  /** The provider's own id of the account (`sub` in OpenID Connect). */
  readonly providerUserId: string;
  /** The address that the provider tells. It is looked at where the account is new. */
  readonly email: string;
  /**
   * Whether the provider vouches for the address (`email_verified` in OpenID Connect). False by default: an
   * address that anybody can claim must not open somebody else's account.
   */
  readonly emailVerified?: boolean;
  /** The name that the provider tells, for a new user; 1 to 200 characters. */
  readonly displayName?: string | undefined;
}

const maxAttempts = 3;
const behindSnapshot =
  'Somebody else has signed in by the same account or address, and this transaction does not see it. Run the whole transaction again.';

/** The accounts. It checks no tokens: whoever calls has verified what the OAuth provider says. */
export class AccountService {
  readonly #parts: AccountParts;

  /** @param parts what the service works with; `openChatStore` puts them together */
  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /**
   * Finds the user of an OAuth account, and notes the sign-in. Who is known comes in, whatever the provider
   * says of their address and name this time. Where the account is new, it is linked to the user who has its e-mail address, if both proved it: the provider vouches for it now, and somebody did when
   * the user came. Else it is linked to a new user. Any number of calls at once with one account end at one
   * user.
   *
   * @param signIn what the provider says
   * @returns the user
   * @throws ValidationError where the account is new: with the faults of all fields; and where the address
   *   belongs to a user already and is not verified on both sides. Nothing is stored then
   * @throws SerializationFailureError inside of a unit of work on Postgres whose snapshot is older than the sign-in
   *   that came first; `unitOfWork.run` runs it again
   * @example
   * const user = await accounts.findOrCreateByOAuth({ provider: 'google', providerUserId: '1042', email });
   */
  async findOrCreateByOAuth(signIn: OauthSignIn): Promise<User> {
    for (let attempt = 1; ; attempt += 1) {
      const now = this.#parts.clock.now();
      try {
        return (await this.#findUser(signIn, now)) ?? (await this.#createUser(prepare(signIn, now)));
      } catch (error) {
        // Somebody else has signed in by the same account or address in between; the next look finds them.
        if (!(error instanceof UniqueViolationError)) throw error;
        // A unit of work whose snapshot is older never finds them: it has to run again.
        if (attempt === maxAttempts) throw new SerializationFailureError(behindSnapshot, { cause: error });
      }
    }
  }

  async #findUser(
    { provider, providerUserId }: Pick<OauthSignIn, 'provider' | 'providerUserId'>,
    now: number,
    options: { readonly on?: Kysely<ChatDatabase> } = {},
  ): Promise<User | undefined> {
    const { users, oauthIdentities } = this.#parts;
    // What names no account finds none; it is refused where one would be made, with all other faults.
    if (!ProviderName.is(provider) || !ProviderUserId.is(providerUserId)) return undefined;
    const identity = await oauthIdentities.findByProvider(provider, providerUserId, options);
    if (identity === undefined) return undefined;
    await asUser(identity.userId, () =>
      this.#signIn(identity, options, (inner) => oauthIdentities.markUsed(identity.id, now, inner)),
    );
    return users.findById(identity.userId, options);
  }

  #signIn(
    { id }: OauthIdentity,
    options: RepositoryCallOptions<ChatDatabase>,
    work: (options: RepositoryCallOptions<ChatDatabase>) => Promise<unknown>,
  ): Promise<unknown> {
    return recordAction(this.#parts.recorder, options, work, () => ({
      action: 'sign-in',
      entity: { type: auditedEntities.oauthIdentities, id },
    }));
  }

  #createUser(candidate: Candidate): Promise<User> {
    const { provider, users, oauthIdentities } = this.#parts;
    return provider.transaction(async (on) => {
      const known = await users.findByEmail(candidate.user.email, { on });
      // In this order: whoever stored the address meanwhile has stored the identity with it.
      const linked = await this.#findUser(candidate.identity, candidate.now, { on });
      if (linked !== undefined) return linked;
      if (known !== undefined) requireSameOwner(known, candidate.user);
      const { id: userId } = known ?? candidate.user;
      return asUser(userId, async () => {
        const user = known ?? (await users.insert(candidate.user, { on }));
        const identity = { ...candidate.identity, userId };
        await this.#signIn(identity, { on }, (options) => oauthIdentities.insert(identity, options));
        return user;
      });
    });
  }
}

/** Whoever signs in does so themselves, where nobody else is known to act. */
function asUser<Result>(id: UserId, work: () => Result): Result {
  return runAs(currentActor() ?? { type: 'user', id }, work);
}

/** A user and an identity that may be stored. */
interface Candidate {
  readonly user: User;
  readonly identity: OauthIdentity;
  readonly now: number;
}

function prepare(signIn: OauthSignIn, now: number): Candidate {
  const id = newId<UserId>();
  const context = { now };
  const { email: _, ...account } = signIn;
  const faults: Issue[] = [];
  const user = collectFaults(faults, () => createUser(signIn, { ...context, id }));
  const identity = collectFaults(faults, () => createOauthIdentity({ ...account, userId: id }, context));
  if (user === undefined || identity === undefined) throw new ValidationError(faults);
  return { user, identity: markIdentityUsed({ ...identity, email: user.email }, context), now };
}

function collectFaults<Value>(faults: Issue[], make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    faults.push(...error.issues);
    return undefined;
  }
}

// Whoever registers an address that is not theirs must not be handed its owner's later sign-in.
function requireSameOwner(known: User, candidate: User): void {
  if (known.emailVerifiedAt !== undefined && candidate.emailVerifiedAt !== undefined) return;
  throw new ValidationError([
    { path: ['email'], message: 'belongs to another account, and is not verified on both sides' },
  ]);
}
