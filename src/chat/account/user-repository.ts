import { Repository, type RepositoryProvider, type RepositoryCallOptions } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { EmailAddress } from './email-address.ts';
import { userFromRow, userToRow } from './user-mapper.ts';
import type { User } from './user.ts';

/** Finds and changes users. Deleting one deletes what is theirs: identities, keys, preferences, threads. */
export class UserRepository extends Repository<ChatDatabase, 'users', User> {
  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'users',
      key: 'id',
      version: 'version',
      insertOnly: ['created_at'],
      growing: ['updated_at'],
      unique: [['email']],
      columns: {
        id: 'uuid',
        email: 'text',
        email_verified_at: 'integer?',
        display_name: 'text?',
        version: 'integer',
        created_at: 'integer',
        updated_at: 'integer',
      },
      mapper: { fromRow: userFromRow, toRow: userToRow },
    });
  }

  /**
   * Finds a user by e-mail address, in any case.
   *
   * @param email the address; it is trimmed and lower-cased as it was when it was stored
   * @param options `on` is the transaction or handle that is read through
   * @returns the user, or undefined where nobody has the address
   * @throws ValidationError where it is no e-mail address
   * @throws UnreadableRowError where the stored row breaks the rules of users
   */
  async findByEmail(
    email: string,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<User | undefined> {
    return this.findFirst({ email: EmailAddress.parse(email) }, options);
  }
}
