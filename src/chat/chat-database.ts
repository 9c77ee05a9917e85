/**
 * The tables of the chat store, as Kysely sees them: what a row holds when it is read from either engine.
 * `npm run codegen` writes the types from the migrated database and keeps the comments, which are written
 * by hand.
 */

/** Everybody who has an account. */
export interface UsersTable {
  /** UUID; primary key. */
  id: string;
  /** In lower case; unique. */
  email: string;
  /** Epoch ms at which somebody trusted vouched for the address; NULL while nobody has. */
  email_verified_at: number | null;
  /** NULL while it is not known. */
  display_name: string | null;
  /** From 1; each update adds 1. */
  version: number;
  /** Epoch ms. */
  created_at: number;
  /** Epoch ms of the last change. */
  updated_at: number;
}

/** Accounts of users at OAuth providers. */
export interface OauthIdentitiesTable {
  /** UUID; primary key. */
  id: string;
  /** Refers to `users.id`; the row goes with the user. */
  user_id: string;
  /** Slug of the provider, such as `google`. */
  provider: string;
  /** The provider's own id of the account; unique together with `provider`. */
  provider_user_id: string;
  /** The address that the provider told, in lower case. */
  email: string | null;
  /** The refresh token, encrypted; NULL where none was stored. */
  sealed_refresh_token: string | null;
  /** Epoch ms. */
  created_at: number;
  /** Epoch ms of the last sign-in by it, which moves it and not the version; NULL before the first. */
  last_used_at: number | null;
  /** From 1; each update adds 1. */
  version: number;
}

/** A user's key to a model provider. */
export interface ApiKeysTable {
  /** UUID; primary key. */
  id: string;
  /** Refers to `users.id`; the row goes with the user. Unique together with `provider`. */
  user_id: string;
  /** Slug of the model provider, such as `openai`. */
  provider: string;
  /** What the user calls the key. */
  label: string | null;
  /** The key itself, encrypted; NULL where none was stored. */
  sealed_key: string | null;
  /** Epoch ms. */
  created_at: number;
  /** Epoch ms of the last request with the key; NULL before the first. */
  last_used_at: number | null;
  /** Epoch ms since which the key must not be used; NULL while it may. */
  revoked_at: number | null;
  /** From 1; each update adds 1. */
  version: number;
}

/** Settings of the users. `user_id` and `name` are the primary key. */
export interface UserPreferencesTable {
  /** Refers to `users.id`; the row goes with the user. */
  user_id: string;
  /** 1 to 64 of letters, digits, `.`, `_` and `-`. */
  name: string;
  /** A JSON value as text. */
  value: string;
  /** Epoch ms. */
  updated_at: number;
  /** From 1; each update adds 1. */
  version: number;
}

/** Conversations. */
export interface ContextThreadsTable {
  /** UUID; primary key. */
  id: string;
  /** Refers to `users.id`; the thread goes with its owner. NULL for nobody's. */
  owner_id: string | null;
  /** What the place of origin calls an imported thread; unique. NULL for threads that began here. */
  source_id: string | null;
  /** NULL while it has none. */
  title: string | null;
  /** A JSON object as text; NULL where nothing is known. */
  metadata: string | null;
  /** The `seq` that the next message gets, from 1. */
  next_seq: number;
  /** From 1; each update adds 1, an append does not. */
  version: number;
  /** Epoch ms. */
  created_at: number;
  /** Epoch ms of the last change or append. */
  updated_at: number;
}

/** The messages of the threads. */
export interface MessagesTable {
  /** UUID; primary key. */
  id: string;
  /** Refers to `context_threads.id`; the message goes with its thread. */
  thread_id: string;
  /** Place within the thread, from 1 and without gaps; unique together with `thread_id`. */
  seq: number;
  /** `user`, `assistant`, `system` or `tool`. */
  role: string;
  /** The text, up to 1 MiB as UTF-8. */
  content: string;
  /** `pending`, `streaming`, `complete`, `error` or `interrupted`. */
  status: string;
  /** A JSON object as text; NULL where nothing is known. */
  metadata: string | null;
  /** From 1; each update adds 1. */
  version: number;
  /** Epoch ms. */
  created_at: number;
}

/** The history of health checks. */
export interface HealthChecksTable {
  /** UUID; primary key. */
  id: string;
  /** What was checked. */
  check_type: string;
  /** `healthy`, `degraded` or `unhealthy`. */
  status: string;
  /** What there is to say beside the status. */
  message: string | null;
  /** Epoch ms. */
  checked_at: number;
  /** How long the check took, in ms; NULL where it was not timed. */
  duration_ms: number | null;
}

/** All of them, for `DatabaseProvider<ChatDatabase>`. */
export interface ChatDatabase {
  /** Everybody who has an account. */
  users: UsersTable;
  /** Accounts of users at OAuth providers. */
  oauth_identities: OauthIdentitiesTable;
  /** Keys to model providers. */
  api_keys: ApiKeysTable;
  /** Settings of the users. */
  user_preferences: UserPreferencesTable;
  /** Conversations. */
  context_threads: ContextThreadsTable;
  /** The messages of the threads. */
  messages: MessagesTable;
  /** The history of health checks. */
  health_checks: HealthChecksTable;
}
